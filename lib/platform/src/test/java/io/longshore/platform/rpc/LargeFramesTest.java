package io.longshore.platform.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.platform.tls.PlaintextOnLoopback;
import io.longshore.platform.value.HostPort;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a server says about its frames, read from the wire (RFC 9113). */
@Timeout(60)
final class LargeFramesTest {
  private static final int HEADERS = 1;
  private static final int SETTINGS = 4;
  private static final int END_HEADERS = 4;
  private static final int ACK = 1;
  private static final int MAX_FRAME_SIZE = 5;

  @Test
  void aBulkServerTakesLongFrames() throws Exception {
    assertThat(maxFrameSizes(TransportTuning.BULK)).containsExactly(1 << 20);
  }

  @Test
  void anyOtherLeavesTheDefault() throws Exception {
    assertThat(maxFrameSizes(TransportTuning.CONTROL)).isEmpty();
  }

  /** Begins a call and reads until it is answered. */
  private static List<Integer> maxFrameSizes(TransportTuning tuning) throws Exception {
    GrpcServer server =
        GrpcServer.builder("test", new HostPort("127.0.0.1", 0), new PlaintextOnLoopback())
            .tuning(tuning)
            .patience(Duration.ofMillis(100))
            .build();
    server.start();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.address().port());
        DataOutputStream out = new DataOutputStream(socket.getOutputStream());
        DataInputStream in = new DataInputStream(socket.getInputStream())) {
      out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      frame(out, SETTINGS, 0, 0, new byte[0]);
      frame(out, HEADERS, END_HEADERS, 1, headers("/longshore.None/None"));
      return readUntilAnswered(in, out);
    } finally {
      server.stop();
    }
  }

  private static List<Integer> readUntilAnswered(DataInputStream in, DataOutputStream out)
      throws IOException {
    List<Integer> sizes = new ArrayList<>();
    while (true) {
      int length = (in.readUnsignedByte() << 16) | in.readUnsignedShort();
      int type = in.readUnsignedByte();
      int flags = in.readUnsignedByte();
      int stream = in.readInt();
      ByteBuffer payload = ByteBuffer.wrap(in.readNBytes(length));
      if (type == SETTINGS && flags != ACK) {
        while (payload.hasRemaining()) {
          int setting = payload.getShort();
          int value = payload.getInt();
          if (setting == MAX_FRAME_SIZE) {
            sizes.add(value);
          }
        }
        frame(out, SETTINGS, ACK, 0, new byte[0]);
      } else if (type == HEADERS) {
        assertThat(stream).isEqualTo(1);
        return sizes;
      }
    }
  }

  // HPACK (RFC 7541): :method POST and :scheme http of the static table, the rest literally.
  private static byte[] headers(String path) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    block.write(0x83);
    block.write(0x86);
    block.write(0x04);
    literal(block, path);
    block.write(0x01);
    literal(block, "localhost");
    block.write(0x00);
    literal(block, "content-type");
    literal(block, "application/grpc");
    block.write(0x00);
    literal(block, "te");
    literal(block, "trailers");
    return block.toByteArray();
  }

  private static void literal(ByteArrayOutputStream block, String text) {
    block.write(text.length());
    block.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static void frame(DataOutputStream out, int type, int flags, int stream, byte[] payload)
      throws IOException {
    out.writeByte(payload.length >> 16);
    out.writeShort(payload.length);
    out.writeByte(type);
    out.writeByte(flags);
    out.writeInt(stream);
    out.write(payload);
    out.flush();
  }
}
