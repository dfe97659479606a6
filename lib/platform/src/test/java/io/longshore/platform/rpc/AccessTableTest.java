package io.longshore.platform.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.reflect.ClassPath;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import io.longshore.platform.rpc.AccessTable.Access;
import io.longshore.platform.rpc.AccessTable.Effect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Against the generated code of every service that there is. */
final class AccessTableTest {
  private static final AccessTable TABLE = AccessTable.LONGSHORE;
  // They change a node, and no migration that the caller could name.
  private static final Set<String> OF_NODES = Set.of("TestNode", "StartCanary", "EndCanary");

  @Test
  void hasEveryCallOfEveryServiceAndNoOther() throws Exception {
    Set<String> served =
        methods().map(MethodDescriptor::getFullMethodName).collect(Collectors.toSet());

    assertThat(served).contains("longshore.transfer.v1.TransferService/SendPages");
    assertThat(TABLE.names())
        .as("AccessTable: who may make the calls that are missing? what of those that are gone?")
        .containsExactlyInAnyOrderElementsOf(served);
  }

  @Test
  void letsNoCallPassThatNobodyMayMake() {
    assertThat(TABLE.names())
        .allSatisfy(name -> assertThat(TABLE.find(name).orElseThrow().callers()).isNotEmpty());
  }

  @Test
  void theAuditLogFindsTheMigrationOfEveryCallThatChangesOne() throws Exception {
    assertThat(
            methods()
                .filter(AccessTableTest::changes)
                .filter(method -> !OF_NODES.contains(method.getBareMethodName())))
        .isNotEmpty()
        .allSatisfy(
            method ->
                assertThat(hasMigration(method))
                    .as("AuditLog.migrationOf for %s", method.getFullMethodName())
                    .isTrue());
  }

  @Test
  void isWhatTheDocumentationHas() throws Exception {
    assertThat(Files.readString(Path.of("../../docs/threat-model.md")))
        .as("write it anew: java -cp 'cli/target/lib/*' %s", AccessTable.class.getName())
        .contains(TABLE.markdown());
  }

  private static boolean changes(MethodDescriptor<?, ?> method) {
    return TABLE
        .find(method.getFullMethodName())
        .map(Access::effect)
        .filter(Effect.CHANGES::equals)
        .isPresent();
  }

  private static boolean hasMigration(MethodDescriptor<?, ?> method) {
    var proto =
        ((ProtoMethodDescriptorSupplier) method.getSchemaDescriptor()).getMethodDescriptor();
    return Stream.of(proto.getInputType(), proto.getOutputType())
        .anyMatch(
            message ->
                message.findFieldByName("migration_id") != null
                    || message.findFieldByName("migration") != null
                    || message.findFieldByName("open") != null);
  }

  /** Of all generated services on the class path. */
  private static Stream<MethodDescriptor<?, ?>> methods() throws Exception {
    ClassPath classes = ClassPath.from(AccessTableTest.class.getClassLoader());
    return Stream.of("io.longshore", "io.grpc.health", "io.grpc.reflection", "io.grpc.channelz")
        .flatMap(each -> classes.getTopLevelClassesRecursive(each).stream())
        .filter(type -> type.getSimpleName().endsWith("Grpc"))
        .map(type -> descriptor(type.load()).getMethods())
        .flatMap(Collection::stream);
  }

  private static ServiceDescriptor descriptor(Class<?> generated) {
    try {
      return (ServiceDescriptor) generated.getMethod("getServiceDescriptor").invoke(null);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }
}
