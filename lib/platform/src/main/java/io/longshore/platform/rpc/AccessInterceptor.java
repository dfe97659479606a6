package io.longshore.platform.rpc;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.longshore.platform.error.LongshoreException;
import io.longshore.platform.error.Reason;
import io.longshore.platform.rpc.AccessTable.Access;
import io.longshore.platform.tls.Identity;
import io.longshore.platform.tls.Role;
import java.util.EnumSet;

/**
 * The one place that decides who may make a call, before the service or the request is looked at;
 * tells the service who it is ({@link Caller#current}). Without TLS, which is only on loopback and
 * only if asked for, everybody may.
 */
final class AccessInterceptor implements ServerInterceptor {
  private final AccessTable table;

  AccessInterceptor(AccessTable table) {
    this.table = table;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    Caller caller = Caller.of(call.getAttributes());
    if (caller.encrypted()) {
      check(caller, call.getMethodDescriptor().getFullMethodName());
    }
    return Contexts.interceptCall(
        Context.current().withValue(Caller.CONTEXT, caller), call, headers, next);
  }

  private void check(Caller caller, String method) {
    Identity identity =
        caller
            .identity()
            .orElseThrow(() -> new LongshoreException(Reason.NO_IDENTITY, caller.problem()));
    Access access =
        table
            .find(method)
            .orElseThrow(
                () ->
                    new LongshoreException(
                        Reason.NOT_ALLOWED, "nobody may call " + method + ": it is unknown"));
    if (!access.callers().contains(identity.role())) {
      throw new LongshoreException(
          Reason.NOT_ALLOWED,
          "%s may not call %s; only %s may"
              .formatted(
                  identity,
                  method,
                  String.join(
                      ", ",
                      EnumSet.copyOf(access.callers()).stream().map(Role::toString).toList())));
    }
  }
}
