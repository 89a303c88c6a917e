import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;

/** Tells the harness on stdout: the first record, the half of them, the end with the result. */
final class Report {
    private final long total;
    private long seen;

    Report(long total) {
        this.total = total;
    }

    /** Count a record that has been processed; true: it was the last one. */
    boolean seen() {
        seen++;
        if (seen == 1) {
            tell("first", "null");
        } else if (seen == total / 2) {
            tell("half", "null");
        }
        return seen == total;
    }

    void done(Map<String, long[]> queues, Map<String, long[]> windows) {
        done("{\"queues\":" + json(queues) + ",\"windows\":" + json(windows) + "}");
    }

    private void done(String result) {
        tell("done", result);
    }

    private static void tell(String what, String result) {
        double now = System.currentTimeMillis() / 1000.0;
        System.out.printf("{\"what\":\"%s\",\"at\":%.3f,\"result\":%s}%n", what, now, result);
        System.out.flush();
    }

    private static String json(Map<String, long[]> counts) {
        StringJoiner all = new StringJoiner(",", "{", "}");
        for (Map.Entry<String, long[]> entry : new TreeMap<>(counts).entrySet()) {
            StringJoiner numbers = new StringJoiner(",", "[", "]");
            for (long number : entry.getValue()) {
                numbers.add(Long.toString(number));
            }
            all.add("\"" + entry.getKey() + "\":" + numbers);
        }
        return all.toString();
    }
}
