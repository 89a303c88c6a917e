import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The job in Kafka Streams: mode, broker, topic, number of records, application id, folder.
 *
 * <p>Modes: `memory` (at least once, stores without a changelog: gone with the process), `alo` (at
 * least once, with changelogs), `eos` (exactly once v2). Stores are in memory, the counters' and
 * windows' behind Kafka Streams' cache, which joins their updates between two commits.
 */
public final class Peer {
    private Peer() { }

    public static void main(String[] arguments) throws InterruptedException {
        String mode = arguments[0];
        Report report = new Report(Long.parseLong(arguments[3]));
        Topology topology = topology(arguments[2], report, !mode.equals("memory"));
        KafkaStreams streams = new KafkaStreams(topology, settings(arguments, mode));
        streams.start();
        new CountDownLatch(1).await();
    }

    private static Topology topology(String topic, Report report, boolean logged) {
        Topology topology = new Topology();
        topology.addSource("events", topic);
        topology.addProcessor("judge", () -> new Judge(report), "events");
        topology.addStateStore(store(Judge.CALLS, Call.SERDE, logged, false), "judge");
        topology.addStateStore(store(Judge.QUEUES, Counts.SERDE, logged, true), "judge");
        topology.addStateStore(store(Judge.WINDOWS, Counts.SERDE, logged, true), "judge");
        return topology;
    }

    private static <V> StoreBuilder<KeyValueStore<String, V>> store(
            String name, Serde<V> serde, boolean logged, boolean cached) {
        StoreBuilder<KeyValueStore<String, V>> builder = Stores.keyValueStoreBuilder(
            Stores.inMemoryKeyValueStore(name), Serdes.String(), serde);
        builder = logged ? builder.withLoggingEnabled(Map.of()) : builder.withLoggingDisabled();
        return cached && logged ? builder.withCachingEnabled() : builder;
    }

    private static Properties settings(String[] arguments, String mode) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[1]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[4]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[5]);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        Class<?> bytes = Serdes.ByteArray().getClass();
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, bytes);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, bytes);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        if (mode.equals("eos")) {
            settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        }
        return settings;
    }
}
