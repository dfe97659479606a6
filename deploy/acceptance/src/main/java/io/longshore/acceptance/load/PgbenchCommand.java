package io.longshore.acceptance.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The report of {@link LoadCommand} of what pgbench logged. */
@Command(
    name = "pgbench",
    description = {
      "Reports what 'pgbench --log' wrote of each transaction, as 'load' does of requests."
    })
final class PgbenchCommand implements Callable<Integer> {
  @Parameters(arity = "1..*", paramLabel = "FILE", description = "The log of each of its threads.")
  private List<Path> files = List.of();

  @Option(
      names = "--phases",
      required = true,
      split = ",",
      paramLabel = "MILLISECONDS",
      description = "Since 1970: when 'before', 'during' and 'after' began, and the end.")
  private List<Long> phaseMillis = List.of();

  @Override
  public Integer call() throws IOException {
    List<String> lines = new ArrayList<>();
    for (Path file : files) {
      lines.addAll(Files.readAllLines(file));
    }
    List<Transaction> transactions =
        lines.stream().map(Transaction::parse).sorted(Transaction.BY_END).toList();
    long origin =
        Stream.concat(
                transactions.stream().map(Transaction::begin),
                phaseMillis.stream().map(TimeUnit.MILLISECONDS::toNanos))
            .min(Long::compare)
            .orElse(0L);
    Phases phases = new Phases(origin);
    phases.begin(Phase.BEFORE, nanos(0));
    phases.begin(Phase.DURING, nanos(1));
    phases.begin(Phase.AFTER, nanos(2));
    Map<Integer, Answers> clients = new TreeMap<>();
    Map<Integer, Long> lastAnswers = new TreeMap<>();
    for (Transaction one : transactions) {
      Long before = lastAnswers.put(one.client(), one.end());
      clients
          .computeIfAbsent(one.client(), _ -> new Answers(origin))
          .answered(
              phases.at(one.end()), before == null ? one.begin() : before, one.begin(), one.end());
    }
    System.out.println(new LoadReport(List.copyOf(clients.values()), phases).toJson(nanos(3)));
    return 0;
  }

  private long nanos(int phase) {
    return TimeUnit.MILLISECONDS.toNanos(phaseMillis.get(phase));
  }

  /** A line: client_id transaction_no time script_no time_epoch time_us. */
  private record Transaction(int client, long begin, long end) {
    static final Comparator<Transaction> BY_END = Comparator.comparingLong(Transaction::end);

    static Transaction parse(String line) {
      String[] words = line.split(" ", -1);
      long end =
          TimeUnit.SECONDS.toNanos(Long.parseLong(words[4]))
              + TimeUnit.MICROSECONDS.toNanos(Long.parseLong(words[5]));
      return new Transaction(
          Integer.parseInt(words[0]),
          end - TimeUnit.MICROSECONDS.toNanos(Long.parseLong(words[2])),
          end);
    }
  }
}
