package io.longshore.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/** The error numbers the agents tell apart; errno(3), the same on x86-64 and arm64. */
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int ESRCH = 3;
  public static final int EINTR = 4;
  public static final int EIO = 5;
  public static final int EBADF = 9;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EFAULT = 14;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int EINVAL = 22;
  public static final int ENOTTY = 25;
  public static final int ENOSYS = 38;
  public static final int EMSGSIZE = 90;
  public static final int ENOPROTOOPT = 92;
  public static final int EOPNOTSUPP = 95;
  public static final int EADDRNOTAVAIL = 99;

  // strerrorname_np(3) and strerrordesc_np(3): constant strings, safe from any thread.
  private static final @Nullable MethodHandle NAME = text("strerrorname_np");
  private static final @Nullable MethodHandle DESCRIPTION = text("strerrordesc_np");

  private Errno() {}

  /** Symbol and meaning, such as {@code ESRCH (No such process)}. */
  public static String describe(int errno) {
    String name = ask(NAME, errno);
    String description = ask(DESCRIPTION, errno);
    if (name == null) {
      return "errno " + errno;
    }
    return description == null ? name : name + " (" + description + ")";
  }

  private static @Nullable MethodHandle text(String function) {
    return Linker.nativeLinker()
        .defaultLookup()
        .find(function)
        .map(
            address ->
                Linker.nativeLinker()
                    .downcallHandle(
                        address, FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT)))
        .orElse(null);
  }

  private static @Nullable String ask(@Nullable MethodHandle function, int errno) {
    if (function == null) {
      return null;
    }
    try {
      MemorySegment text = (MemorySegment) function.invokeExact(errno);
      return text.equals(MemorySegment.NULL) ? null : text.reinterpret(Long.MAX_VALUE).getString(0);
    } catch (Throwable t) {
      throw NativeCall.unexpected(t);
    }
  }
}
