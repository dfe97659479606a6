package io.longshore.criu.rpc;

import io.longshore.criu.rpc.CriuRequest.InheritedDescriptor;
import io.longshore.criu.rpc.CriuRequest.JoinedNamespace;
import io.longshore.criu.rpc.CriuRequest.Mount;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads one request. What is not known is collected first, and then refused with all its names. */
final class CriuRequestReader {
  private static final String REQUEST = "the request to CRIU";
  private static final int CLONE_NEWNET = 0x4000_0000;

  /** Others were never tried: what joins a pid, mount or user namespace may not come to be. */
  private static final Set<String> JOINABLE = Set.of("ipc", "uts");

  private final List<Mount> mounts = new ArrayList<>();
  private final List<String> external = new ArrayList<>();
  private final List<InheritedDescriptor> inherited = new ArrayList<>();
  private final List<JoinedNamespace> joined = new ArrayList<>();
  private final List<String> refused = new ArrayList<>();
  private Optional<CriuRequest.Type> type = Optional.empty();
  private Optional<String> root = Optional.empty();
  private int pid;
  private boolean emptyNetwork;
  private boolean evasiveDevices;

  CriuRequest read(byte[] message) throws UnknownRequestException {
    MessageFields request = new MessageFields(REQUEST, message);
    while (request.next()) {
      // message criu_req
      switch (request.number()) {
        case 1 -> type = Optional.of(type(request.int32()));
        case 2 -> readOptions(request.message("the options for CRIU"));
        // Of the connection, which is the stand-in's.
        case 3, 4 -> request.skip();
        default -> throw request.unknown();
      }
    }
    if (!refused.isEmpty()) {
      throw new UnknownRequestException(
          "CRIU is asked for what is not known here: " + String.join(", ", refused));
    }
    CriuRequest.Type asked =
        type.orElseThrow(() -> new UnknownRequestException(REQUEST + " does not say what to do"));
    if (asked == CriuRequest.Type.DUMP && pid <= 1) {
      throw new UnknownRequestException("CRIU is asked to dump the process " + pid);
    }
    return new CriuRequest(
        asked, pid, root, mounts, external, inherited, joined, emptyNetwork, evasiveDevices);
  }

  private static CriuRequest.Type type(int number) throws UnknownRequestException {
    return switch (number) {
      case 1 -> CriuRequest.Type.DUMP;
      case 2 -> CriuRequest.Type.RESTORE;
      default ->
          throw new UnknownRequestException(
              REQUEST + " is of type " + number + ", neither a dump nor a restore");
    };
  }

  private void readOptions(MessageFields options) throws UnknownRequestException {
    while (options.next()) {
      Optional<CriuOption> known = CriuOption.of(options.number());
      if (known.isEmpty()) {
        refused.add("option " + options.number());
        options.skip();
        continue;
      }
      CriuOption option = known.get();
      switch (option.treatment()) {
        case TAKEN -> take(option, options);
        case OURS -> options.skip();
        case ONLY_OFF -> {
          if (options.bool()) {
            refused.add(option.word());
          }
        }
        case REFUSED -> {
          refused.add(option.word());
          options.skip();
        }
      }
    }
  }

  private void take(CriuOption option, MessageFields options) throws UnknownRequestException {
    switch (option) {
      case PID -> pid = options.int32();
      case EVASIVE_DEVICES -> evasiveDevices = options.bool();
      case ROOT -> root = Optional.of(options.text());
      case EXTERNAL -> external.add(options.text());
      case EMPTY_NS -> readEmptyNamespaces(options.int32());
      case EXT_MNT -> {
        String[] mount = twoTexts(options.message("ext_mnt"));
        mounts.add(new Mount(mount[0], mount[1]));
      }
      case JOIN_NS -> {
        String[] namespace = twoTexts(options.message("join_ns"));
        // A comma would begin its options.
        if (!JOINABLE.contains(namespace[0]) || namespace[1].contains(",")) {
          refused.add("join_ns " + namespace[0] + " " + namespace[1]);
        }
        joined.add(new JoinedNamespace(namespace[0], namespace[1]));
      }
      case INHERIT_FD -> readInherited(options.message("inherit_fd"));
      default -> throw new IllegalStateException("nobody takes " + option.word());
    }
  }

  private void readEmptyNamespaces(int mask) {
    emptyNetwork = (mask & CLONE_NEWNET) != 0;
    if ((mask & ~CLONE_NEWNET) != 0) {
      refused.add("empty_ns 0x" + Integer.toHexString(mask));
    }
  }

  private void readInherited(MessageFields message) throws UnknownRequestException {
    String key = "";
    int number = -1;
    while (message.next()) {
      switch (message.number()) {
        case 1 -> key = message.text();
        case 2 -> number = message.int32();
        default -> throw message.unknown();
      }
    }
    if (key.isEmpty() || number < 0) {
      refused.add("inherit_fd without a name or descriptor");
    }
    inherited.add(new InheritedDescriptor(key, number));
  }

  private static String[] twoTexts(MessageFields message) throws UnknownRequestException {
    String[] texts = {"", ""};
    while (message.next()) {
      if (message.number() > texts.length) {
        throw message.unknown();
      }
      texts[message.number() - 1] = message.text();
    }
    return texts;
  }
}
