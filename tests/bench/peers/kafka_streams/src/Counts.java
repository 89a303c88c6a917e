import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Four counters: offered, answered in target, answered late, abandoned. */
final class Counts {
    static final int OFFERED = 0;
    static final int IN_TARGET = 1;
    static final int LATE = 2;
    static final int ABANDONED = 3;
    static final int ALL = 4;

    static final Serde<long[]> SERDE = Serdes.serdeFrom(
        (topic, counts) -> counts == null ? null : bytes(counts),
        (topic, bytes) -> bytes == null ? null : of(bytes));

    private static byte[] bytes(long[] counts) {
        ByteBuffer buffer = ByteBuffer.allocate(ALL * Long.BYTES);
        buffer.asLongBuffer().put(counts);
        return buffer.array();
    }

    private static long[] of(byte[] bytes) {
        long[] counts = new long[ALL];
        ByteBuffer.wrap(bytes).asLongBuffer().get(counts);
        return counts;
    }
}
