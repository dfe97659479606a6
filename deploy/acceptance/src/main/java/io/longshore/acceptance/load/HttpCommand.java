package io.longshore.acceptance.load;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import redis.clients.jedis.HostAndPort;

/** As {@link LoadCommand}, of an AllocatingService. */
@Command(
    name = "http",
    description = {
      "Asks a service on many connections that are kept alive, and checks every answer. Otherwise as 'load'."
    })
final class HttpCommand implements Callable<Integer> {
  @Option(
      names = "--server",
      required = true,
      paramLabel = "HOST:PORT",
      description = "The service.")
  private String server = "";

  @Mixin private Pace pace = new Pace();

  @Override
  public Integer call() throws Exception {
    List<HttpConnection> all = new ArrayList<>();
    for (int index = 0; index < pace.connections(); index++) {
      all.add(
          new HttpConnection(index, connect(), pace.pauseNanos(), pace.phases(), pace::isStopped));
    }
    JsonObject report = pace.run(all);
    System.out.println(report);
    return all.stream().allMatch(each -> each.answers().failed() == 0) ? 0 : 1;
  }

  private Socket connect() throws IOException {
    HostAndPort address = HostAndPort.from(server);
    Socket socket = new Socket(address.getHost(), address.getPort());
    socket.setTcpNoDelay(true);
    // As long as a request may take before the connection counts as lost.
    socket.setSoTimeout(Math.toIntExact(Duration.ofMinutes(3).toMillis()));
    return socket;
  }
}
