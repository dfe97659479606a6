package io.longshore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * Binds functions of the C library so that {@code errno} survives the call.
 *
 * <p>A bound handle takes one more argument than the function: first the call state, a segment of
 * {@link #callState}, into which {@code errno} is stored directly after the call. Without that the
 * JVM may overwrite it. Public because the sub-packages bind their own calls with it.
 */
public final class NativeCall {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = CALL_STATE.varHandle(PathElement.groupElement("errno"));

  private NativeCall() {}

  /** Binds {@code function}, whose arguments are all named in its C declaration. */
  public static MethodHandle bind(String function, FunctionDescriptor shape) {
    return LINKER.downcallHandle(find(function), shape, Linker.Option.captureCallState("errno"));
  }

  /**
   * Binds a function that is declared with {@code ...}, such as ioctl(2).
   *
   * @param firstVariadic index of the first argument that is not named in the declaration; the
   *     calling convention may treat those differently
   */
  public static MethodHandle bindVariadic(
      String function, FunctionDescriptor shape, int firstVariadic) {
    return LINKER.downcallHandle(
        find(function),
        shape,
        Linker.Option.captureCallState("errno"),
        Linker.Option.firstVariadicArg(firstVariadic));
  }

  private static MemorySegment find(String function) {
    return LINKER
        .defaultLookup()
        .find(function)
        .orElseThrow(
            () ->
                new UnsatisfiedLinkError(
                    "the C library has no function '"
                        + function
                        + "'; glibc 2.36 or newer is needed"));
  }

  /** Memory for the call state of one thread's calls, one after the other. */
  public static MemorySegment callState(Arena arena) {
    return arena.allocate(CALL_STATE);
  }

  /** The {@code errno} of the last failed call made with {@code callState}. */
  public static int errno(MemorySegment callState) {
    return (int) ERRNO.get(callState, 0L);
  }

  /**
   * What to throw for a throwable of {@code invokeExact}: a bound C function throws nothing itself,
   * so it is a programming error (a closed segment, a wrong type) and goes on unchanged.
   */
  public static RuntimeException unexpected(Throwable thrown) {
    switch (thrown) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new AssertionError("a native call threw a checked exception", thrown);
    }
  }
}
