import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** The job on one partition: a store of calls, one of counters, one of windows. */
final class Judge implements Processor<byte[], byte[], Void, Void> {
    static final String CALLS = "calls";
    static final String QUEUES = "queues";
    static final String WINDOWS = "windows";
    private static final long TARGET_MS = 10_000;
    private static final long MINUTE_MS = 60_000;
    /** One stream thread runs all of them. */
    private static final List<Judge> ALL = new ArrayList<>();

    private final Report report;
    private KeyValueStore<String, Call> calls;
    private KeyValueStore<String, long[]> queues;
    private KeyValueStore<String, long[]> windows;

    Judge(Report report) {
        this.report = report;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
        calls = context.getStateStore(CALLS);
        queues = context.getStateStore(QUEUES);
        windows = context.getStateStore(WINDOWS);
        ALL.add(this);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        apply(Event.read(record.value()));
        if (report.seen()) {
            Map<String, long[]> byQueue = new HashMap<>();
            Map<String, long[]> byWindow = new HashMap<>();
            for (Judge each : ALL) {
                add(byQueue, each.queues);
                add(byWindow, each.windows);
            }
            report.done(byQueue, byWindow);
        }
    }

    private void apply(Event event) {
        switch (event.kind) {
            case "call.offered", "call.queued" -> begin(event);
            case "call.answered" -> {
                if ("human".equals(event.answeredBy)) {
                    decide(event, false);
                }
            }
            case "call.abandoned" -> decide(event, true);
            case "call.ended" -> calls.delete(event.call);
            default -> { }
        }
    }

    private void begin(Event event) {
        if (calls.get(event.call) == null) {
            calls.put(event.call, new Call(event.queue, event.at, false));
            count(event.queue, event.at, Counts.OFFERED);
        }
    }

    private void decide(Event event, boolean abandoned) {
        Call call = calls.get(event.call);
        if (call == null || call.decided()) {
            return;
        }
        calls.put(event.call, new Call(call.queue(), call.start(), true));
        boolean inTarget = event.at - call.start() <= TARGET_MS;
        int answered = inTarget ? Counts.IN_TARGET : Counts.LATE;
        count(call.queue(), event.at, abandoned ? Counts.ABANDONED : answered);
    }

    private void count(String queue, long at, int what) {
        increase(queues, queue, what);
        increase(windows, queue + "|" + Math.floorDiv(at, MINUTE_MS), what);
    }

    private static void increase(KeyValueStore<String, long[]> store, String key, int what) {
        long[] counts = store.get(key);
        if (counts == null) {
            counts = new long[Counts.ALL];
        }
        counts[what]++;
        store.put(key, counts);
    }

    private static void add(Map<String, long[]> sums, KeyValueStore<String, long[]> store) {
        try (KeyValueIterator<String, long[]> entries = store.all()) {
            while (entries.hasNext()) {
                KeyValue<String, long[]> entry = entries.next();
                long[] sum = sums.computeIfAbsent(entry.key, key -> new long[Counts.ALL]);
                for (int what = 0; what < Counts.ALL; what++) {
                    sum[what] += entry.value[what];
                }
            }
        }
    }
}
