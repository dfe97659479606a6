package io.longshore.criu.fuzz;

import io.longshore.criu.golden.Golden;
import io.longshore.criu.image.PagemapEntry;
import io.longshore.criu.pageserver.HeaderLayout;
import io.longshore.criu.pageserver.PageImage;
import io.longshore.criu.pageserver.PageServer;
import io.longshore.criu.pageserver.PageServerClient;
import io.longshore.criu.pageserver.PageServerConnection;
import io.longshore.criu.pageserver.PageServerRequest;
import io.longshore.criu.pageserver.PageSink;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Peers that do not speak the page-server protocol as CRIU does, over real sockets. */
@Timeout(3600)
final class PageServerFuzzTest {
  private static final List<Golden> GOLDENS = Golden.all().toList();
  private static final List<HeaderLayout> LAYOUTS = List.of(HeaderLayout.values());
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final PageSink FORGETFUL =
      new PageSink() {
        @Override
        public boolean open(PageImage image) {
          return false;
        }

        @Override
        public void entry(PageImage image, PagemapEntry entry) {}

        @Override
        public void pages(PageImage image, long address, ByteBuffer bytes) {}
      };

  @Test
  void aDumpIsReceivedOrRefused() {
    Fuzz.run(
        random -> {
          byte[] said = conversation(random, "dump-requests.bin.gz");
          try (PageServer server = PageServer.listen(layout(random));
              Peer _ = Peer.connect(server.port(), said)) {
            server.receiveDump(FORGETFUL);
          } catch (IOException refused) {
            // As it should be.
          }
        });
  }

  @Test
  void aDaemonIsAnsweredOrRefused() {
    Fuzz.run(
        random -> {
          byte[] said = conversation(random, "lazy-pages-requests.bin.gz");
          try (PageServer server = PageServer.listen(layout(random));
              Peer _ = Peer.connect(server.port(), said);
              PageServerConnection connection = server.accept()) {
            answer(connection);
          } catch (IOException refused) {
            // As it should be.
          }
        });
  }

  @Test
  void aPageServerIsUnderstoodOrRefused() {
    Fuzz.run(
        random -> {
          byte[] said = conversation(random, "lazy-dump-answers.bin.gz");
          try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"));
              Peer _ = Peer.accept(listener, said)) {
            PageServerClient client =
                PageServerClient.connect(listener.getLocalPort(), layout(random));
            ByteBuffer pages = ByteBuffer.allocate(3 * 4096);
            try {
              client.request(1, 0x1000, 2);
              client.request(1, 0x3000, 1);
              var _ = client.readPages(pages);
              var _ = client.readPages(pages);
              var _ = client.close();
            } finally {
              client.abort();
            }
          } catch (IOException refused) {
            // As it should be.
          }
        });
  }

  private static void answer(PageServerConnection connection)
      throws IOException, InterruptedException {
    while (true) {
      Optional<PageServerRequest> head = connection.head(PATIENCE);
      switch (head.orElseThrow(() -> new AssertionError("neither a request nor the end"))) {
        case PageServerRequest.Get get -> connection.reply(get, ByteBuffer.allocate(4096));
        case PageServerRequest.Close _ -> {
          connection.acknowledgeClose();
          return;
        }
      }
    }
  }

  private static HeaderLayout layout(Random random) {
    return LAYOUTS.get(random.nextInt(LAYOUTS.size()));
  }

  private static byte[] conversation(Random random, String name) {
    byte[] recorded = GOLDENS.get(random.nextInt(GOLDENS.size())).bytes(name);
    return switch (random.nextInt(8)) {
      case 0 -> Fuzz.random(random, random.nextInt(300));
      // Most of it is content of pages; the headers are what matters.
      case 1, 2, 3 -> Fuzz.mutate(random, Arrays.copyOf(recorded, Math.min(recorded.length, 128)));
      default -> Fuzz.mutate(random, recorded);
    };
  }

  /** Says its piece, ends its side, and listens to the end. */
  private record Peer(AtomicReference<@Nullable Socket> socket) implements AutoCloseable {
    private interface Way {
      Socket open() throws IOException;
    }

    static Peer connect(int port, byte[] said) {
      return start(() -> new Socket(InetAddress.ofLiteral("127.0.0.1"), port), said);
    }

    static Peer accept(ServerSocket listener, byte[] said) {
      return start(listener::accept, said);
    }

    private static Peer start(Way way, byte[] said) {
      AtomicReference<@Nullable Socket> open = new AtomicReference<>();
      var _ =
          Thread.startVirtualThread(
              () -> {
                try (Socket socket = way.open()) {
                  open.set(socket);
                  socket.getOutputStream().write(said);
                  socket.shutdownOutput();
                  var _ = socket.getInputStream().transferTo(OutputStream.nullOutputStream());
                } catch (IOException cut) {
                  // The other side has had enough.
                }
              });
      return new Peer(open);
    }

    @Override
    public void close() throws IOException {
      Socket socket = this.socket.get();
      if (socket != null) {
        socket.close();
      }
    }
  }
}
