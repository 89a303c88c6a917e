import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.LocalDate;

/** What the job needs of an event, read by Jackson's streaming parser: the fastest way it has. */
final class Event {
    private static final JsonFactory JSON = new JsonFactory();
    private static final long DAY_MS = 86_400_000L;
    private static String day = "";
    private static long dayBegins;

    String kind;
    String call;
    String queue;
    String answeredBy;
    long at;

    static Event read(byte[] record) {
        Event event = new Event();
        try (JsonParser parser = JSON.createParser(record)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                event.take(parser.currentName(), parser);
            }
        } catch (IOException error) {
            throw new IllegalArgumentException(error);
        }
        return event;
    }

    private void take(String name, JsonParser parser) throws IOException {
        parser.nextToken();
        switch (name) {
            case "kind" -> kind = parser.getText();
            case "call_id" -> call = parser.getText();
            case "queue" -> queue = parser.getText();
            case "answered_by" -> answeredBy = parser.getText();
            case "at" -> at = milliseconds(parser.getText());
            default -> parser.skipChildren();
        }
    }

    /** 2026-03-02T10:00:00.028Z; Instant.parse would cost a tenth of the throughput. */
    private static long milliseconds(String text) {
        if (!text.startsWith(day) || day.isEmpty()) {
            day = text.substring(0, 10);
            dayBegins = LocalDate.parse(day).toEpochDay() * DAY_MS;
        }
        long seconds = digits(text, 11) * 3600 + digits(text, 14) * 60 + digits(text, 17);
        long rest = 0;
        int end = text.length() - 1;
        if (end > 20) {
            rest = Long.parseLong((text.substring(20, end) + "00").substring(0, 3));
        }
        return dayBegins + seconds * 1000 + rest;
    }

    private static long digits(String text, int from) {
        return (text.charAt(from) - '0') * 10L + text.charAt(from + 1) - '0';
    }
}
