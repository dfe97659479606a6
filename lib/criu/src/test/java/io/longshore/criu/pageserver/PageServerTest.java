package io.longshore.criu.pageserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.longshore.criu.image.PagemapEntry;
import java.io.DataInputStream;
import java.io.EOFException;
import java.net.ConnectException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PageServerTest {

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final HeaderLayout LAYOUT = HeaderLayout.BYTES_32;

  private PageServer server;
  private Socket daemon;
  private PageServerConnection connection;

  @BeforeEach
  void connect() throws Exception {
    server = PageServer.listen(LAYOUT);
    daemon = Loopback.connect(server.port());
    connection = server.accept();
  }

  @AfterEach
  void disconnect() throws Exception {
    daemon.close();
    connection.close();
    server.close();
  }

  @Test
  void aSecondPeerIsRefused() {
    assertThatThrownBy(() -> Loopback.connect(server.port())).isInstanceOf(ConnectException.class);
  }

  @Test
  void requestsBehindTheHeadAreSeenWhileTheHeadWaits() throws Exception {
    ask(1, 0x1000, 2);
    ask(2, 0x8000, 1);
    ask(Command.CLOSE);
    await().atMost(PATIENCE).until(() -> connection.queued().size() == 3);
    assertThat(connection.queued())
        .containsExactly(
            new PageServerRequest.Get(1, 0x1000, 2),
            new PageServerRequest.Get(2, 0x8000, 1),
            new PageServerRequest.Close());
    assertThat(connection.head(PATIENCE)).contains(new PageServerRequest.Get(1, 0x1000, 2));
    assertThat(connection.head(PATIENCE)).contains(new PageServerRequest.Get(1, 0x1000, 2));
  }

  @Test
  void anAnswerMayBePartialAndInPieces() throws Exception {
    ask(1, 0x1000, 5);
    PageServerRequest.Get get = (PageServerRequest.Get) connection.head(PATIENCE).orElseThrow();
    connection.reply(
        get,
        ByteBuffer.allocateDirect(100).put(0, (byte) 7),
        ByteBuffer.allocate(0),
        ByteBuffer.allocate(8192 - 100).put(8191 - 100, (byte) 9));
    ByteBuffer answer = read(LAYOUT.bytes() + 8192);
    assertThat(PageServerHeader.decode(LAYOUT, answer))
        .isEqualTo(new PageServerHeader(Command.ADD_F, PagemapEntry.PRESENT, 2, 0x1000, 1));
    assertThat(answer.get(LAYOUT.bytes())).isEqualTo((byte) 7);
    assertThat(answer.get(LAYOUT.bytes() + 8191)).isEqualTo((byte) 9);
    assertThat(connection.queued()).isEmpty();
  }

  @Test
  void anAnswerLargerThanTheSocketBuffersArrivesWhole() throws Exception {
    ask(1, 0x1000, 8192);
    PageServerRequest.Get get = (PageServerRequest.Get) connection.head(PATIENCE).orElseThrow();
    CompletableFuture<ByteBuffer> answer =
        CompletableFuture.supplyAsync(() -> read(LAYOUT.bytes() + (32 << 20)));
    ByteBuffer half = ByteBuffer.allocateDirect(16 << 20);
    for (int i = 0; i < half.capacity(); i += 4096) {
      half.putInt(i, i);
    }
    connection.reply(get, half.duplicate(), half.duplicate());
    ByteBuffer whole = answer.get();
    for (int i = 0; i < 32 << 20; i += 4096) {
      assertThat(whole.slice(LAYOUT.bytes() + i, 4096).getInt()).isEqualTo(i % (16 << 20));
    }
  }

  @Test
  void anAnswerOutOfTurnOrOfTheWrongSizeIsRefused() throws Exception {
    ask(1, 0x1000, 2);
    ask(1, 0x3000, 2);
    await().atMost(PATIENCE).until(() -> connection.queued().size() == 2);
    PageServerRequest.Get head = new PageServerRequest.Get(1, 0x1000, 2);
    assertThatThrownBy(
            () ->
                connection.reply(
                    new PageServerRequest.Get(1, 0x3000, 2), ByteBuffer.allocate(4096)))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(connection::acknowledgeClose).isInstanceOf(IllegalStateException.class);
    for (int size : new int[] {0, 4095, 4097, 3 * 4096}) {
      assertThatThrownBy(() -> connection.reply(head, ByteBuffer.allocate(size)))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(connection.queued()).hasSize(2);
    assertThat(daemon.getInputStream().available()).isZero();
  }

  @Test
  void theQueueIsBounded() throws Exception {
    CompletableFuture<Void> asking =
        CompletableFuture.runAsync(
            () -> {
              for (int i = 0; i < 200_000; i++) {
                ask(1, 0x1000, 1);
              }
            });
    await().atMost(PATIENCE).until(() -> connection.queued().size() == 4096);
    assertThat(asking).isNotDone();
    assertThat(connection.queued()).hasSize(4096);
    connection.close();
    assertThat(asking).failsWithin(PATIENCE);
  }

  @Test
  void waitingForARequestEnds() throws Exception {
    assertThat(connection.head(Duration.ofMillis(20))).isEmpty();
  }

  @Test
  void aDaemonThatGoesAwayIsNoticedBehindItsRequests() throws Exception {
    ask(1, 0x1000, 1);
    daemon.shutdownOutput();
    assertThat(connection.head(PATIENCE)).isPresent();
    connection.reply(new PageServerRequest.Get(1, 0x1000, 1), ByteBuffer.allocate(4096));
    assertThatThrownBy(() -> connection.head(PATIENCE)).isInstanceOf(EOFException.class);
  }

  @Test
  void nonsenseIsNoticed() throws Exception {
    ask(Command.OPEN2);
    assertThatThrownBy(() -> connection.head(PATIENCE))
        .isInstanceOf(PageServerProtocolException.class)
        .hasMessageContaining("asks only GET and CLOSE");
  }

  @Test
  void aClosedServerStopsWaiting() throws Exception {
    PageServer other = PageServer.listen(LAYOUT);
    CompletableFuture<PageServerConnection> accepted =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return other.accept();
              } catch (Exception failure) {
                throw new IllegalStateException(failure);
              }
            });
    other.close();
    assertThat(accepted).failsWithin(PATIENCE);
  }

  @Test
  void pagesOfAnImageThatIsNotOpenAreRefused() throws Exception {
    assertDumpRefused(
        "not open", new PageServerHeader(Command.ADD_F, PagemapEntry.LAZY, 1, 0, 5 << 8 | 1));
    assertDumpRefused(
        "not open",
        new PageServerHeader(Command.OPEN2, 0, 0, 0, 4 << 8 | 1),
        new PageServerHeader(Command.ADD_F, PagemapEntry.LAZY, 1, 0, 5 << 8 | 1));
    assertDumpRefused(
        "begins before",
        new PageServerHeader(Command.OPEN2, 0, 0, 0, 5 << 8 | 1),
        new PageServerHeader(Command.ADD_F, PagemapEntry.LAZY, 2, 0x1000, 5 << 8 | 1),
        new PageServerHeader(Command.ADD_F, PagemapEntry.LAZY, 1, 0x2000, 5 << 8 | 1));
    assertDumpRefused("does not say", new PageServerHeader(Command.GET, 0, 1, 0x1000, 5 << 8 | 1));
    assertDumpRefused("without CLOSE", new PageServerHeader(Command.OPEN2, 0, 0, 0, 5 << 8 | 1));
  }

  private static void assertDumpRefused(String why, PageServerHeader... said) throws Exception {
    ByteBuffer bytes = ByteBuffer.allocate(said.length * LAYOUT.bytes());
    for (PageServerHeader header : said) {
      header.encode(LAYOUT, bytes);
    }
    PageSink nowhere =
        new PageSink() {
          @Override
          public boolean open(PageImage image) {
            return false;
          }

          @Override
          public void entry(PageImage image, PagemapEntry entry) {}

          @Override
          public void pages(PageImage image, long address, ByteBuffer content) {}
        };
    try (PageServer dumps = PageServer.listen(LAYOUT)) {
      CompletableFuture<byte[]> answers = Loopback.say(dumps.port(), bytes.array());
      assertThatThrownBy(() -> dumps.receiveDump(nowhere)).hasMessageContaining(why);
      // Whether it ends with a reset depends on what was still unread.
      assertThat(answers.handle((answer, failure) -> true)).succeedsWithin(PATIENCE);
    }
  }

  private void ask(long pid, long address, long pages) {
    send(new PageServerHeader(Command.GET, 0, pages, address, pid));
  }

  private void ask(Command command) {
    send(PageServerHeader.bare(command));
  }

  private void send(PageServerHeader header) {
    ByteBuffer bytes = ByteBuffer.allocate(LAYOUT.bytes());
    header.encode(LAYOUT, bytes);
    try {
      daemon.getOutputStream().write(bytes.array());
    } catch (Exception failure) {
      throw new IllegalStateException(failure);
    }
  }

  private ByteBuffer read(int count) {
    byte[] bytes = new byte[count];
    try {
      new DataInputStream(daemon.getInputStream()).readFully(bytes);
    } catch (Exception failure) {
      throw new IllegalStateException(failure);
    }
    return ByteBuffer.wrap(bytes);
  }
}
