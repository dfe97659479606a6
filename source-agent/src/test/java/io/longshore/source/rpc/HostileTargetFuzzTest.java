package io.longshore.source.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.longshore.platform.rpc.GrpcChannels;
import io.longshore.platform.rpc.GrpcServer;
import io.longshore.platform.rpc.TransportTuning;
import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import io.longshore.source.fuzz.Fuzz;
import io.longshore.source.pages.TransferBrokenException;
import io.longshore.transfer.v1.Grant;
import io.longshore.transfer.v1.PageDemand;
import io.longshore.transfer.v1.SendImagesResponse;
import io.longshore.transfer.v1.SendPagesResponse;
import io.longshore.transfer.v1.ServeFaultsResponse;
import io.longshore.transfer.v1.StreamOpen;
import io.longshore.transfer.v1.TransferServiceGrpc;
import io.opentelemetry.api.OpenTelemetry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A target whose answers are changed, of random bytes, or not those of the stream. The source's
 * transfer opens or breaks, and ends when it is cancelled.
 */
@Timeout(3600)
final class HostileTargetFuzzTest {
  private static final Grant GRANT =
      Grant.newBuilder().setLimitBytes(16 << 20).setStoredBytes(4096).build();
  private static final List<byte[]> ANSWERS =
      List.of(
          SendImagesResponse.newBuilder().setGrant(GRANT).setComplete(true).build().toByteArray(),
          SendPagesResponse.newBuilder().setGrant(GRANT).build().toByteArray(),
          ServeFaultsResponse.newBuilder().setGrant(GRANT).build().toByteArray(),
          ServeFaultsResponse.newBuilder()
              .setDemand(PageDemand.newBuilder().setVpid(7).setFirstPage(5).setCount(2))
              .build()
              .toByteArray());

  private volatile long seed;
  private final GrpcServer server =
      GrpcServer.builder("target", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
          .tuning(TransportTuning.BULK.withDirectCallbacks(false))
          .patience(Duration.ofSeconds(1))
          .add(hostile())
          .build();

  @BeforeEach
  void start() throws Exception {
    server.start();
  }

  @AfterEach
  void stop() throws Exception {
    server.stop();
  }

  @Test
  void theTransferOpensOrBreaks() {
    GrpcChannels channels = new GrpcChannels(OpenTelemetry.noop(), new PlaintextOnLoopback());
    Fuzz.run(
        random -> {
          seed = random.nextLong();
          TransferClient client =
              new TransferClient(
                  channels,
                  server.address(),
                  StreamOpen.getDefaultInstance(),
                  1,
                  Duration.ofSeconds(4));
          client.onDemand((vpid, firstPage, count, again) -> {});
          CompletableFuture<Boolean> opened = new CompletableFuture<>();
          Thread waiting =
              Thread.startVirtualThread(
                  () -> {
                    try {
                      client.awaitOpen();
                      opened.complete(true);
                    } catch (TransferBrokenException e) {
                      opened.complete(false);
                    } catch (InterruptedException | RuntimeException e) {
                      opened.completeExceptionally(e);
                    }
                  });
          // Some of these targets never grant anything: then cancelling must end the wait.
          var _ = waiting.join(Duration.ofMillis(50));
          client.cancel();
          assertThat(opened.get(10, TimeUnit.SECONDS)).isNotNull();
        });
  }

  private ServerServiceDefinition hostile() {
    ServerServiceDefinition.Builder service =
        ServerServiceDefinition.builder(TransferServiceGrpc.SERVICE_NAME);
    for (var method : TransferServiceGrpc.getServiceDescriptor().getMethods()) {
      service.addMethod(
          method.toBuilder(new Bytes(), new Bytes()).setSchemaDescriptor(null).build(),
          (ServerCall<byte[], byte[]> call, Metadata headers) -> {
            call.request(100);
            call.sendHeaders(new Metadata());
            return new ServerCall.Listener<>() {
              @Override
              public void onMessage(byte[] message) {
                answer(call, new Random(seed + method.getFullMethodName().hashCode()));
              }
            };
          });
    }
    return service.build();
  }

  private static void answer(ServerCall<byte[], byte[]> call, Random random) {
    for (int count = random.nextInt(4); count > 0; count--) {
      byte[] answer = ANSWERS.get(random.nextInt(ANSWERS.size()));
      call.sendMessage(
          switch (random.nextInt(4)) {
            case 0 -> Fuzz.random(random, random.nextInt(40));
            case 1 -> answer;
            default -> Fuzz.mutate(random, answer);
          });
    }
    if (random.nextInt(4) == 0) {
      call.close(
          Status.fromCodeValue(random.nextInt(17)).withDescription("as it likes"), new Metadata());
    }
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
