package io.longshore.coordinator.app;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import org.junit.jupiter.api.Test;

/** What may know what. */
final class BoundariesTest {
  private static final JavaClasses COORDINATOR =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.longshore.coordinator");

  @Test
  void messagesAndGrpcStayInRpcPackages() {
    noClasses()
        .that()
        .resideOutsideOfPackage("..rpc..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.grpc..", "com.google.protobuf..", "io.longshore.v1..", "io.longshore.agent..")
        .check(COORDINATOR);
  }

  @Test
  void sqlStaysInStorePackages() {
    noClasses()
        .that()
        .resideOutsideOfPackage("..store..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "java.sql..",
            "javax.sql..",
            "org.jdbi..",
            "org.sqlite..",
            "com.zaxxer..",
            "org.flywaydb..")
        .check(COORDINATOR);
  }

  @Test
  void guiceStaysInTheApp() {
    noClasses()
        .that()
        .resideOutsideOfPackage("..app..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("com.google.inject..")
        .check(COORDINATOR);
  }

  @Test
  void featuresDoNotDependOnEachOtherInCircles() {
    SlicesRuleDefinition.slices()
        .matching("io.longshore.coordinator.(**)")
        .should()
        .beFreeOfCycles()
        .check(COORDINATOR);
  }
}
