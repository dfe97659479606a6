package io.longshore.criu.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.longshore.criu.rpc.CriuOptionsOfRunc.Source;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class CriuOptionsOfRuncTest {
  private static final int NEW_NETWORK = 0x4000_0000;

  @Test
  void aDumpIsToldWhatTheContainerHasFromOutside() throws Exception {
    assertThat(CriuOptionsOfRunc.dump(dump(), OptionalLong.empty()))
        .containsExactly(
            "--root",
            "/bundle/rootfs",
            "--external",
            "mnt[/proc/keys]:/dev/null",
            "--external",
            "mnt[/data]:/data",
            "--empty-ns",
            "net");
  }

  @Test
  void aNetworkOfItsOwnIsDumpedAsOneFromOutside() throws Exception {
    assertThat(CriuOptionsOfRunc.dump(dump(), OptionalLong.of(4_026_532_000L)))
        .containsSequence("--external", "net[4026532000]:extRootNetNS")
        .doesNotContain("--empty-ns");
  }

  @Test
  void aNetworkThatIsJoinedIsAsRuncSays() throws Exception {
    CriuRequest request =
        CriuRequest.parse(
            RequestBytes.request(
                1,
                options ->
                    options.number(2, 7).text(37, "net[12]:extRootNetNS").number(38, NEW_NETWORK)));

    assertThat(CriuOptionsOfRunc.dump(request, OptionalLong.of(13)))
        .containsExactly("--external", "net[12]:extRootNetNS");
  }

  @Test
  void aRestoreShowsTheContainerItsOwnCgroups() throws Exception {
    CriuRequest request =
        CriuRequest.parse(
            RequestBytes.request(
                2,
                options ->
                    options
                        .pair(23, "/sys/fs/cgroup/memory", "/sys/fs/cgroup/memory/of/runc")
                        .pair(23, "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/systemd")
                        .pair(23, "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct")
                        .pair(23, "/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids")
                        .pair(23, "/data", "/bundle/vol")));

    assertThat(
            CriuOptionsOfRunc.restore(
                    request,
                    Map.of(
                        "memory", Path.of("/sys/fs/cgroup/memory/web"),
                        "cpu", Path.of("/sys/fs/cgroup/cpu,cpuacct/web"),
                        "name=systemd", Path.of("/sys/fs/cgroup/systemd/web")),
                    Optional.empty())
                .options())
        .filteredOn(option -> option.startsWith("mnt["))
        .containsExactly(
            "mnt[/sys/fs/cgroup/memory]:/sys/fs/cgroup/memory/web",
            "mnt[/sys/fs/cgroup/systemd]:/sys/fs/cgroup/systemd/web",
            "mnt[/sys/fs/cgroup/cpu,cpuacct]:/sys/fs/cgroup/cpu,cpuacct/web",
            "mnt[/sys/fs/cgroup/pids]:/sys/fs/cgroup/pids",
            "mnt[/data]:/bundle/vol");
  }

  @Test
  void descriptorsHaveNumbersThatNobodyElseHas() throws Exception {
    CriuRequest request =
        CriuRequest.parse(
            RequestBytes.request(
                2,
                options ->
                    options
                        .bytes(27, inherited("pipe:[7]", 1))
                        .bytes(27, inherited("pipe:[7]", 2))
                        .bytes(27, inherited("extRootPidNS", 4))
                        .number(38, NEW_NETWORK)));

    CriuOptionsOfRunc.OfRestore restore =
        CriuOptionsOfRunc.restore(request, Map.of(), Optional.of("/run/netns/web"));

    assertThat(restore.options())
        .containsExactly(
            "--inherit-fd",
            "fd[10]:pipe:[7]",
            "--inherit-fd",
            "fd[11]:pipe:[7]",
            "--inherit-fd",
            "fd[12]:extRootPidNS",
            "--inherit-fd",
            "fd[13]:extRootNetNS");
    assertThat(restore.descriptors())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                10, new Source.OfStandIn(1),
                11, new Source.OfStandIn(2),
                12, new Source.OfStandIn(4),
                13, new Source.File("/run/netns/web")));
  }

  @Test
  void namespacesThatAreThereAreJoined() throws Exception {
    CriuRequest request =
        CriuRequest.parse(
            RequestBytes.request(
                2, options -> options.number(6, 1).pair(39, "uts", "/proc/9/ns/uts")));

    assertThat(CriuOptionsOfRunc.restore(request, Map.of(), Optional.empty()).options())
        .containsExactly("--evasive-devices", "--join-ns", "uts:/proc/9/ns/uts");
  }

  private static CriuRequest dump() throws Exception {
    return CriuRequest.parse(
        RequestBytes.request(
            1,
            options ->
                options
                    .number(2, 7)
                    .text(13, "/bundle/rootfs")
                    .pair(23, "/proc/keys", "/dev/null")
                    .pair(23, "/data", "/data")
                    .number(38, NEW_NETWORK)));
  }

  private static byte[] inherited(String key, int number) {
    return RequestBytes.message(message -> message.text(1, key).number(2, number));
  }
}
