package io.longshore.criu.image;

/**
 * The kinds of image that are read here, with the magic numbers they begin with
 * (criu/include/magic.h). Every other image is an opaque file to Longshore.
 */
public enum ImageType {
  /** What holds for the whole dump. The only one without a common magic number. */
  INVENTORY(0, 0x58313116),
  /** The tasks. */
  PSTREE(ImageType.COMMON, 0x50273030),
  /** Which pages a task or a shared memory segment has. */
  PAGEMAP(ImageType.COMMON, 0x56084025),
  /** Registers and state of a thread. */
  CORE(ImageType.COMMON, 0x55053847),
  /** The mappings of a task. */
  MM(ImageType.COMMON, 0x57492820),
  /** Open files. */
  FILES(ImageType.COMMON, 0x56303138),
  /** Figures of a dump or a restore. */
  STATS(ImageType.SERVICE, 0x57093306),
  /** Processor features. */
  CPUINFO(ImageType.COMMON, 0x61404013);

  private static final int COMMON = 0x54564319;
  private static final int SERVICE = 0x55105940;

  private final int family;
  private final int magic;

  ImageType(int family, int magic) {
    this.family = family;
    this.magic = magic;
  }

  /** The first magic number, 0 if this type has only one. */
  int family() {
    return family;
  }

  /** The magic number of the type itself. */
  int magic() {
    return magic;
  }

  /** Bytes before the first record. */
  int headerBytes() {
    return family == 0 ? Integer.BYTES : 2 * Integer.BYTES;
  }
}
