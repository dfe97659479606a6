package io.longshore.platform.telemetry;

import io.opentelemetry.sdk.common.export.GrpcSender;
import io.opentelemetry.sdk.common.export.GrpcSenderConfig;
import io.opentelemetry.sdk.common.export.GrpcSenderProvider;

/** Found by OpenTelemetry's exporters through {@code ServiceLoader}. */
public final class OtlpSenderProvider implements GrpcSenderProvider {
  /** For {@code ServiceLoader}. */
  public OtlpSenderProvider() {}

  @Override
  public GrpcSender createSender(GrpcSenderConfig config) {
    return new OtlpSender(config);
  }
}
