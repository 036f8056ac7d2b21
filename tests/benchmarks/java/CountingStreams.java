import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.sun.management.OperatingSystemMXBean;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.Stores;

/**
 * The fold of the engine benches on Kafka Streams: a count, 28 day buckets and a map of features per account.
 * Arguments: BOOTSTRAP SOURCE NAME EVENTS FOLDER GUARANTEE. Prints JSON when it has seen so many events, then ends.
 */
public final class CountingStreams {
    private static final int DAYS_KEPT = 28;
    private static final JsonFactory JSON = new JsonFactory();
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private static long seen;
    private static long beganNs;
    private static long beganCpuNs;
    private static long halfNs;
    private static long halfCpuNs;

    private record Event(int day, String feature, int count) {}

    private static final class Counts {
        private long total;
        private final Map<Integer, Integer> days = new HashMap<>();
        private final Map<String, Integer> features = new HashMap<>();

        Counts add(Event event) {
            total += event.count();
            days.merge(event.day(), event.count(), Integer::sum);
            features.merge(event.feature(), event.count(), Integer::sum);
            if (days.size() > DAYS_KEPT) {
                days.remove(Collections.min(days.keySet()));
            }
            return this;
        }
    }

    private static Event readEvent(String topic, byte[] value) {
        try (JsonParser parser = JSON.createParser(value)) {
            int day = 0;
            int count = 1;
            String feature = "";
            while (parser.nextToken() != null) {
                if (parser.currentToken() != JsonToken.FIELD_NAME) {
                    continue;
                }
                String name = parser.currentName();
                parser.nextToken();
                switch (name) {
                    case "day" -> day = parser.getIntValue();
                    case "count" -> count = parser.getIntValue();
                    case "feature" -> feature = parser.getText();
                    default -> { }
                }
            }
            return new Event(day, feature, count);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static byte[] writeCounts(String topic, Counts counts) {
        if (counts == null) {
            return null;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeLong(counts.total);
            out.writeInt(counts.days.size());
            for (Map.Entry<Integer, Integer> day : counts.days.entrySet()) {
                out.writeInt(day.getKey());
                out.writeInt(day.getValue());
            }
            out.writeInt(counts.features.size());
            for (Map.Entry<String, Integer> feature : counts.features.entrySet()) {
                out.writeUTF(feature.getKey());
                out.writeInt(feature.getValue());
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return bytes.toByteArray();
    }

    private static Counts readCounts(String topic, byte[] value) {
        if (value == null) {
            return null;
        }
        Counts counts = new Counts();
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(value))) {
            counts.total = in.readLong();
            for (int left = in.readInt(); left > 0; left--) {
                counts.days.put(in.readInt(), in.readInt());
            }
            for (int left = in.readInt(); left > 0; left--) {
                counts.features.put(in.readUTF(), in.readInt());
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return counts;
    }

    private static <T> Serde<T> serde(Serializer<T> serializer, Deserializer<T> deserializer) {
        return Serdes.serdeFrom(serializer, deserializer);
    }

    private static Counts fold(String account, Event event, Counts counts, long events) {
        if (seen == 0) {
            beganNs = System.nanoTime();
            beganCpuNs = SYSTEM.getProcessCpuTime();
        }
        Counts folded = counts.add(event);
        seen++;
        if (seen == events / 2) {
            halfNs = System.nanoTime();
            halfCpuNs = SYSTEM.getProcessCpuTime();
        }
        if (seen == events) {
            long nowNs = System.nanoTime();
            long nowCpuNs = SYSTEM.getProcessCpuTime();
            String all = figures(events, nowNs - beganNs, nowCpuNs - beganCpuNs);
            String warm = figures(events - events / 2, nowNs - halfNs, nowCpuNs - halfCpuNs);
            System.out.println("{" + all + ",\"second_half\":{" + warm + "}}");
            System.out.flush();
        }
        return folded;
    }

    private static String figures(long events, long wallNs, long cpuNs) {
        return String.format(
                java.util.Locale.ROOT,
                "\"events\":%d,\"seconds\":%.2f,\"cpu_seconds\":%.2f,"
                        + "\"events_per_second\":%d,\"events_per_cpu_second\":%d",
                events,
                wallNs / 1e9,
                cpuNs / 1e9,
                Math.round(events * 1e9 / wallNs),
                Math.round(events * 1e9 / cpuNs));
    }

    public static void main(String[] arguments) {
        String source = arguments[1];
        long events = Long.parseLong(arguments[3]);
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[2]);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, arguments[5]);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64 * 1024 * 1024L);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        Serde<Event> eventSerde = serde((topic, event) -> null, CountingStreams::readEvent);
        Serde<Counts> countsSerde = serde(CountingStreams::writeCounts, CountingStreams::readCounts);
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(source, Consumed.with(Serdes.String(), eventSerde))
                .groupByKey(Grouped.with(Serdes.String(), eventSerde))
                .aggregate(
                        Counts::new,
                        (account, event, counts) -> fold(account, event, counts, events),
                        Materialized.<String, Counts>as(Stores.inMemoryKeyValueStore("counts"))
                                .withKeySerde(Serdes.String())
                                .withValueSerde(countsSerde));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }
}
