package io.longshore.criu.pageserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.criu.CriuVersion;
import io.longshore.criu.golden.Golden;
import io.longshore.criu.image.PagemapEntry;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GoldenConversationTest {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  static Stream<Golden> goldens() {
    return Golden.all();
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void aDumpIsReceivedAndAnsweredAsRecorded(Golden golden) throws Exception {
    List<PageImage> images = new ArrayList<>();
    List<PagemapEntry> entries = new ArrayList<>();
    byte[] memory = new byte[20 * 4096];
    PageSink sink =
        new PageSink() {
          @Override
          public boolean open(PageImage image) {
            images.add(image);
            return false;
          }

          @Override
          public void entry(PageImage image, PagemapEntry entry) {
            entries.add(entry);
          }

          @Override
          public void pages(PageImage image, long address, ByteBuffer bytes) {
            if (address >= golden.memory() && address < golden.memory() + memory.length) {
              bytes.get(memory, (int) (address - golden.memory()), bytes.remaining());
            }
          }
        };
    CompletableFuture<byte[]> answers;
    ReceivedPages received;
    try (PageServer server = PageServer.listen(layout(golden))) {
      answers = Loopback.say(server.port(), golden.bytes("dump-requests.bin.gz"));
      received = server.receiveDump(sink);
    }
    assertThat(answers.get(20, TimeUnit.SECONDS)).isEqualTo(golden.bytes("dump-answers.bin.gz"));
    assertThat(images).hasSize(1).allMatch(image -> image.kind() == PageImage.Kind.TASK);
    assertThat(entries).hasSize((int) received.entries()).allMatch(PagemapEntry::isPresent);
    for (int page = 0; page < 20; page++) {
      assertThat(ByteBuffer.wrap(memory, page * 4096, 4096))
          .isEqualTo(ByteBuffer.wrap(Golden.page(page)));
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void aLazyDumpIsAskedAndUnderstoodAsRecorded(Golden golden) throws Exception {
    byte[] requests = golden.bytes("lazy-dump-requests.bin.gz");
    ServerSocket listener = Loopback.listen();
    CompletableFuture<byte[]> told =
        Loopback.answer(listener, golden.bytes("lazy-dump-answers.bin.gz"), requests.length);
    PageServerClient client = PageServerClient.connect(listener.getLocalPort(), layout(golden));
    client.request(golden.pid(), golden.memory(), 2);
    client.request(golden.pid(), golden.memory(), 1);
    ByteBuffer pages = ByteBuffer.allocate(3 * 4096);
    assertThat(client.readPages(pages)).isEqualTo(2);
    assertThat(client.readPages(pages)).isEqualTo(1);
    assertThat(client.close()).contains(0);
    assertThat(told.get(20, TimeUnit.SECONDS)).isEqualTo(requests);
    int[] expected = {0, 1, 0};
    for (int i = 0; i < expected.length; i++) {
      assertThat(pages.slice(i * 4096, 4096)).isEqualTo(ByteBuffer.wrap(Golden.page(expected[i])));
    }
  }

  @ParameterizedTest
  @MethodSource("goldens")
  void aLazyPagesDaemonIsUnderstoodAndAnsweredAsRecorded(Golden golden) throws Exception {
    byte[] recorded = golden.bytes("lazy-pages-answers.bin.gz");
    CompletableFuture<byte[]> answers;
    int asked = 0;
    try (PageServer server = PageServer.listen(layout(golden))) {
      answers = Loopback.say(server.port(), golden.bytes("lazy-pages-requests.bin.gz"));
      PageServerConnection connection = server.accept();
      int at = layout(golden).bytes();
      while (connection.head(PATIENCE).orElseThrow() instanceof PageServerRequest.Get get) {
        assertThat(get.pid()).isEqualTo(golden.pid());
        connection.reply(get, ByteBuffer.wrap(recorded, at, 4096));
        at += layout(golden).bytes() + 4096;
        asked++;
      }
      connection.acknowledgeClose();
      connection.close();
    }
    assertThat(answers.get(20, TimeUnit.SECONDS)).isEqualTo(recorded);
    assertThat(asked).isGreaterThanOrEqualTo(19);
  }

  private static HeaderLayout layout(Golden golden) {
    return HeaderLayout.of(CriuVersion.find("Version: " + golden.version()).orElseThrow());
  }
}
