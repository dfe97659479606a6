package io.longshore.platform.rpc;

import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapSetter;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which calls get spans, and how a context travels in gRPC headers (W3C {@code traceparent}).
 *
 * <p>Calls that only look, or that come again and again, get none: they would hide the migration.
 * Nor do data streams: what they move is in the attributes of the agents' own spans. Their callers'
 * context is passed on all the same.
 */
final class TracedCalls {
  private static final String OURS = "longshore.";
  private static final String DATA_PLANE = "longshore.transfer.";
  private static final Set<String> QUIET =
      Set.of(
          "Heartbeat",
          "WatchMigration",
          "GetMigration",
          "ListMigrations",
          "ListNodes",
          "GetNode",
          "GetSource",
          "GetTarget");

  static final TextMapSetter<Metadata> SETTER =
      (carrier, key, value) -> {
        if (carrier != null) {
          Metadata.Key<String> header = header(key);
          carrier.removeAll(header);
          carrier.put(header, value);
        }
      };

  static final TextMapGetter<Metadata> GETTER =
      new TextMapGetter<>() {
        @Override
        @SuppressWarnings("deprecation") // Deprecated, and still to be implemented.
        public Iterable<String> keys(Metadata carrier) {
          return carrier.keys();
        }

        @Override
        public @Nullable String get(@Nullable Metadata carrier, String key) {
          return carrier == null ? null : carrier.get(header(key));
        }
      };

  private TracedCalls() {}

  static boolean hasSpan(MethodDescriptor<?, ?> method) {
    String service = String.valueOf(method.getServiceName());
    return service.startsWith(OURS)
        && !service.startsWith(DATA_PLANE)
        && !QUIET.contains(String.valueOf(method.getBareMethodName()));
  }

  private static Metadata.Key<String> header(String key) {
    return Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER);
  }
}
