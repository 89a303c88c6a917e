import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** The state of one call. */
record Call(String queue, long start, boolean decided) {
    static final Serde<Call> SERDE = Serdes.serdeFrom(
        (topic, call) -> call == null ? null : call.bytes(),
        (topic, bytes) -> bytes == null ? null : of(bytes));

    private byte[] bytes() {
        byte[] name = queue.getBytes(StandardCharsets.UTF_8);
        ByteBuffer buffer = ByteBuffer.allocate(9 + name.length);
        return buffer.putLong(start).put((byte) (decided ? 1 : 0)).put(name).array();
    }

    private static Call of(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        long start = buffer.getLong();
        boolean decided = buffer.get() == 1;
        return new Call(new String(bytes, 9, bytes.length - 9, StandardCharsets.UTF_8), start, decided);
    }
}
