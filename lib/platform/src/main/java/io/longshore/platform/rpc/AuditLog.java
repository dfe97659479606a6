package io.longshore.platform.rpc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.longshore.platform.rpc.AccessTable.Access;
import io.longshore.platform.rpc.AccessTable.Effect;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a line when a call that changes something ends, and for every call that is refused to its
 * caller: who, from where, which call, for which migration, and what came of it. To the logger
 * {@value #LOGGER}.
 */
final class AuditLog implements ServerInterceptor {
  static final String LOGGER = "io.longshore.audit";
  private static final List<String> MIGRATION_ID = List.of("migration_id", "id");
  private static final List<String> LEADS_TO_IT = List.of("migration", "open");

  private static final Logger log = LoggerFactory.getLogger(LOGGER);

  private final AccessTable table;

  AuditLog(AccessTable table) {
    this.table = table;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    String method = call.getMethodDescriptor().getFullMethodName();
    Audited<Q, R> audited =
        new Audited<>(call, table.find(method).map(Access::effect).orElse(Effect.REPEATS));
    return new SimpleForwardingServerCallListener<>(next.startCall(audited, headers)) {
      @Override
      public void onMessage(Q message) {
        audited.saw(message);
        super.onMessage(message);
      }

      @Override
      public void onCancel() {
        audited.ended(Status.CANCELLED);
        super.onCancel();
      }
    };
  }

  /**
   * The id of the migration that a message is about: its own field {@code migration_id}, or that of
   * the message in its field {@code migration} or {@code open}. Empty if it has none.
   */
  static String migrationOf(Object message) {
    if (message instanceof Message found) {
      for (String name : MIGRATION_ID) {
        FieldDescriptor field = found.getDescriptorForType().findFieldByName(name);
        if (field != null && found.getField(field) instanceof String id && !id.isEmpty()) {
          return id;
        }
      }
      for (String name : LEADS_TO_IT) {
        FieldDescriptor field = found.getDescriptorForType().findFieldByName(name);
        if (field != null && !field.isRepeated() && found.hasField(field)) {
          return migrationOf(found.getField(field));
        }
      }
    }
    return "";
  }

  private static final class Audited<Q, R> extends SimpleForwardingServerCall<Q, R> {
    private final Effect effect;
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile String migration = "";

    Audited(ServerCall<Q, R> call, Effect effect) {
      super(call);
      this.effect = effect;
    }

    void saw(@Nullable Object message) {
      if (effect != Effect.READS && migration.isEmpty() && message != null) {
        migration = migrationOf(message);
      }
    }

    void ended(Status status) {
      boolean refused =
          status.getCode() == Status.Code.PERMISSION_DENIED
              || status.getCode() == Status.Code.UNAUTHENTICATED;
      if ((effect == Effect.CHANGES || refused) && over.compareAndSet(false, true)) {
        Caller caller = Caller.of(getAttributes());
        log.info(
            "{} from {} called {}{}: {}",
            caller,
            caller.address(),
            getMethodDescriptor().getFullMethodName(),
            migration.isEmpty() ? "" : " for migration " + oneWord(migration),
            outcome(status));
      }
    }

    @Override
    public void sendMessage(R message) {
      saw(message);
      super.sendMessage(message);
    }

    @Override
    public void close(Status status, Metadata trailers) {
      ended(status);
      super.close(status, trailers);
    }
  }

  private static String outcome(Status status) {
    String description = status.getDescription();
    return status.getCode() + (description == null ? "" : " (" + oneLine(description) + ")");
  }

  // What a peer sent must not make lines of its own.
  private static String oneLine(String text) {
    return text.replaceAll("\\p{Cntrl}", " ");
  }

  private static String oneWord(String text) {
    String word = text.replaceAll("[^A-Za-z0-9._-]", "?");
    return word.length() > 64 ? word.substring(0, 64) + "..." : word;
  }
}
