package io.longshore.criu.rpc;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Fields of {@code criu_opts}, named as there, and what is done about each. */
enum CriuOption {
  IMAGES_DIR_FD(1, Treatment.OURS),
  PID(2, Treatment.TAKEN),
  LEAVE_RUNNING(3, Treatment.OURS),
  EXT_UNIX_SK(4, Treatment.OURS),
  TCP_ESTABLISHED(5, Treatment.OURS),
  EVASIVE_DEVICES(6, Treatment.TAKEN),
  SHELL_JOB(7, Treatment.ONLY_OFF),
  FILE_LOCKS(8, Treatment.OURS),
  LOG_LEVEL(9, Treatment.OURS),
  LOG_FILE(10, Treatment.OURS),
  PS(11, Treatment.REFUSED),
  NOTIFY_SCRIPTS(12, Treatment.OURS),
  ROOT(13, Treatment.TAKEN),
  PARENT_IMG(14, Treatment.REFUSED),
  TRACK_MEM(15, Treatment.ONLY_OFF),
  AUTO_DEDUP(16, Treatment.ONLY_OFF),
  WORK_DIR_FD(17, Treatment.OURS),
  LINK_REMAP(18, Treatment.ONLY_OFF),
  VETHS(19, Treatment.REFUSED),
  CPU_CAP(20, Treatment.REFUSED),
  FORCE_IRMAP(21, Treatment.ONLY_OFF),
  EXEC_CMD(22, Treatment.REFUSED),
  EXT_MNT(23, Treatment.TAKEN),
  MANAGE_CGROUPS(24, Treatment.OURS),
  CG_ROOT(25, Treatment.OURS),
  RST_SIBLING(26, Treatment.OURS),
  INHERIT_FD(27, Treatment.TAKEN),
  AUTO_EXT_MNT(28, Treatment.ONLY_OFF),
  EXT_SHARING(29, Treatment.ONLY_OFF),
  EXT_MASTERS(30, Treatment.ONLY_OFF),
  SKIP_MNT(31, Treatment.REFUSED),
  ENABLE_FS(32, Treatment.REFUSED),
  UNIX_SK_INO(33, Treatment.REFUSED),
  MANAGE_CGROUPS_MODE(34, Treatment.OURS),
  GHOST_LIMIT(35, Treatment.OURS),
  IRMAP_SCAN_PATHS(36, Treatment.REFUSED),
  EXTERNAL(37, Treatment.TAKEN),
  EMPTY_NS(38, Treatment.TAKEN),
  JOIN_NS(39, Treatment.TAKEN),
  CGROUP_PROPS(41, Treatment.REFUSED),
  CGROUP_PROPS_FILE(42, Treatment.REFUSED),
  CGROUP_DUMP_CONTROLLER(43, Treatment.REFUSED),
  FREEZE_CGROUP(44, Treatment.OURS),
  TIMEOUT(45, Treatment.OURS),
  TCP_SKIP_IN_FLIGHT(46, Treatment.ONLY_OFF),
  WEAK_SYSCTLS(47, Treatment.ONLY_OFF),
  LAZY_PAGES(48, Treatment.OURS),
  STATUS_FD(49, Treatment.OURS),
  ORPHAN_PTS_MASTER(50, Treatment.OURS),
  CONFIG_FILE(51, Treatment.OURS),
  TCP_CLOSE(52, Treatment.ONLY_OFF),
  LSM_PROFILE(53, Treatment.REFUSED),
  TLS_CACERT(54, Treatment.REFUSED),
  TLS_CACRL(55, Treatment.REFUSED),
  TLS_CERT(56, Treatment.REFUSED),
  TLS_KEY(57, Treatment.REFUSED),
  TLS(58, Treatment.ONLY_OFF),
  TLS_NO_CN_VERIFY(59, Treatment.ONLY_OFF),
  CGROUP_YARD(60, Treatment.REFUSED),
  PRE_DUMP_MODE(61, Treatment.REFUSED),
  PIDFD_STORE_SK(62, Treatment.REFUSED),
  LSM_MOUNT_CONTEXT(63, Treatment.REFUSED),
  NETWORK_LOCK(64, Treatment.OURS),
  MNTNS_COMPAT_MODE(65, Treatment.ONLY_OFF),
  SKIP_FILE_RWX_CHECK(66, Treatment.ONLY_OFF),
  UNPRIVILEGED(67, Treatment.ONLY_OFF),
  IMAGES_DIR(68, Treatment.OURS),
  LEAVE_STOPPED(69, Treatment.OURS),
  DISPLAY_STATS(70, Treatment.OURS),
  LOG_TO_STDERR(71, Treatment.OURS);

  /** What is done about an option. */
  enum Treatment {
    /** It is about the container, and told to our CRIU. */
    TAKEN,
    /** The agents decide that: it is left out. */
    OURS,
    /** Nothing is known of a container that needs it; off is what it is without. */
    ONLY_OFF,
    /** Nothing is known of a container that needs it. */
    REFUSED
  }

  private final int number;
  private final Treatment treatment;

  CriuOption(int number, Treatment treatment) {
    this.number = number;
    this.treatment = treatment;
  }

  /** Empty for one that came after CRIU 4.2. */
  static Optional<CriuOption> of(int number) {
    return Arrays.stream(values()).filter(option -> option.number == number).findFirst();
  }

  Treatment treatment() {
    return treatment;
  }

  /** As CRIU names it. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
