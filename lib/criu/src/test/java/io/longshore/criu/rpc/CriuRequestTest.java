package io.longshore.criu.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.longshore.criu.rpc.CriuRequest.InheritedDescriptor;
import io.longshore.criu.rpc.CriuRequest.JoinedNamespace;
import io.longshore.criu.rpc.CriuRequest.Mount;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CriuRequestTest {
  private static final int DUMP = 1;
  private static final int RESTORE = 2;
  private static final int NEW_NETWORK = 0x4000_0000;

  @Test
  void aDumpIsRead() throws Exception {
    CriuRequest request =
        CriuRequest.parse(
            RequestBytes.request(
                DUMP,
                options ->
                    options
                        .number(1, 5)
                        .number(2, 20_011)
                        .number(3, 1)
                        .number(7, 0)
                        .text(10, "dump.log")
                        .text(13, "/bundle/rootfs")
                        .pair(23, "/data", "/data")
                        .text(37, "net[4026532000]:extRootNetNS")
                        .number(38, NEW_NETWORK)
                        .text(44, "/sys/fs/cgroup/freezer/web")
                        .text(51, "/etc/criu/runc.conf")));

    assertThat(request.type()).isEqualTo(CriuRequest.Type.DUMP);
    assertThat(request.pid()).isEqualTo(20_011);
    assertThat(request.root()).contains("/bundle/rootfs");
    assertThat(request.mounts()).containsExactly(new Mount("/data", "/data"));
    assertThat(request.external()).containsExactly("net[4026532000]:extRootNetNS");
    assertThat(request.emptyNetwork()).isTrue();
  }

  @Test
  void aRestoreIsRead() throws Exception {
    CriuRequest request =
        CriuRequest.parse(
            RequestBytes.request(
                RESTORE,
                options ->
                    options
                        .number(6, 1)
                        .pair(25, "memory", "/web")
                        .bytes(
                            27,
                            RequestBytes.message(
                                inherited -> inherited.text(1, "pipe:[7]").number(2, 1)))
                        .pair(39, "ipc", "/proc/9/ns/ipc")));

    assertThat(request.type()).isEqualTo(CriuRequest.Type.RESTORE);
    assertThat(request.evasiveDevices()).isTrue();
    assertThat(request.inherited()).containsExactly(new InheritedDescriptor("pipe:[7]", 1));
    assertThat(request.joined()).containsExactly(new JoinedNamespace("ipc", "/proc/9/ns/ipc"));
  }

  @Test
  void allThatIsNotKnownIsNamed() {
    byte[] request =
        RequestBytes.request(
            DUMP,
            options ->
                options
                    .number(2, 7)
                    .number(7, 1)
                    .text(14, "../parent")
                    .number(52, 1)
                    .number(999, 0)
                    .number(38, NEW_NETWORK | 0x2000_0000)
                    .pair(39, "user", "/proc/9/ns/user"));

    assertThatThrownBy(() -> CriuRequest.parse(request))
        .isInstanceOf(UnknownRequestException.class)
        .hasMessageContainingAll(
            "shell_job",
            "parent_img",
            "tcp_close",
            "option 999",
            "empty_ns 0x60000000",
            "join_ns user /proc/9/ns/user");
  }

  @Test
  void whatIsNotKnownInsideOfAnOptionIsRefused() {
    byte[] join =
        RequestBytes.message(namespace -> namespace.text(1, "ipc").text(2, "/x").text(3, "more"));

    assertThatThrownBy(
            () ->
                CriuRequest.parse(
                    RequestBytes.request(RESTORE, options -> options.bytes(39, join))))
        .isInstanceOf(UnknownRequestException.class)
        .hasMessageContaining("join_ns has the field 3");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 4, 5, 6, 9, 10, 13, -1})
  void anotherRequestIsRefused(int type) {
    assertThatThrownBy(
            () -> CriuRequest.parse(RequestBytes.request(type, options -> options.number(2, 7))))
        .isInstanceOf(UnknownRequestException.class);
  }

  @Test
  void aDumpOfNothingIsRefused() {
    assertThatThrownBy(() -> CriuRequest.parse(RequestBytes.request(DUMP, options -> {})))
        .isInstanceOf(UnknownRequestException.class)
        .hasMessageContaining("process 0");
  }

  @Test
  void aTextThatNoArgumentCanBeIsRefused() {
    for (String text : new String[] {"/a\0--leave-stopped"}) {
      assertThatThrownBy(
              () ->
                  CriuRequest.parse(
                      RequestBytes.request(RESTORE, options -> options.text(13, text))))
          .isInstanceOf(UnknownRequestException.class);
    }
    assertThatThrownBy(
            () ->
                CriuRequest.parse(
                    RequestBytes.request(
                        RESTORE, options -> options.bytes(13, new byte[] {(byte) 0xff}))))
        .isInstanceOf(UnknownRequestException.class);
  }

  @Test
  void whateverBytesComeItIsReadOrRefused() throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    byte[] good =
        RequestBytes.request(
            DUMP, options -> options.number(2, 7).text(13, "/root").pair(23, "/data", "/data"));
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = Arrays.copyOf(good, random.nextInt(good.length + 1));
      for (int changes = random.nextInt(4); changes > 0 && bytes.length > 0; changes--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      try {
        CriuRequest read = CriuRequest.parse(bytes);
        assertThat(read.root().orElse("").getBytes(StandardCharsets.UTF_8)).hasSizeLessThan(100);
      } catch (UnknownRequestException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(1000);
  }
}
