package io.longshore.acceptance;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The boundaries of docs/architecture.md, on the compiled classes of all modules. This module is
 * built last.
 */
class BoundariesTest {
  private static final Path CHECKOUT = Path.of(System.getProperty("longshore.checkout", "../.."));

  private static final DescribedPredicate<JavaClass> GENERATED =
      resideInAnyPackage("io.longshore.v1", "io.longshore.agent.v1", "io.longshore.transfer.v1")
          .as("generated from the protocols");

  private static final DescribedPredicate<JavaClass> SERVICE =
      resideInAnyPackage(
              "io.longshore.coordinator..", "io.longshore.source..", "io.longshore.target..")
          .as("of a service");

  private static final DescribedPredicate<JavaClass> LIBRARY =
      resideInAPackage("io.longshore..")
          .and(not(SERVICE))
          .and(not(GENERATED))
          .and(not(resideInAnyPackage("io.longshore.cli..", "io.longshore.acceptance..")))
          .as("of a library");

  private static JavaClasses classes;

  @BeforeAll
  static void readAllModules() throws IOException {
    List<Path> modules =
        Pattern.compile("<module>(.*)</module>")
            .matcher(Files.readString(CHECKOUT.resolve("pom.xml")))
            .results()
            .map(match -> CHECKOUT.resolve(match.group(1)).resolve("target/classes"))
            .toList();
    assertThat(modules).hasSizeGreaterThan(6).allSatisfy(path -> assertThat(path).isDirectory());
    classes = new ClassFileImporter().importPaths(modules);
  }

  @Test
  void knowsTheClassesOfEveryKind() {
    assertThat(classes.stream().filter(GENERATED)).isNotEmpty();
    assertThat(classes.stream().filter(SERVICE)).isNotEmpty();
    assertThat(classes.stream().filter(LIBRARY)).isNotEmpty();
  }

  @Test
  void grpcAndProtobufStayInRpcPackages() {
    noClasses()
        .that(SERVICE)
        .and()
        .resideOutsideOfPackage("..rpc..")
        .should()
        .dependOnClassesThat(GENERATED.or(resideInAnyPackage("io.grpc..", "com.google.protobuf..")))
        .check(classes);
  }

  @Test
  void guiceStaysInAppPackages() {
    noClasses()
        .that()
        .resideOutsideOfPackage("..app..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("com.google.inject..", "jakarta.inject..", "javax.inject..")
        .check(classes);
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
            "org.flywaydb..",
            "com.zaxxer..",
            "org.sqlite..")
        .check(classes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"coordinator", "source", "target", "cli"})
  void servicesDoNotDependOnEachOther(String service) {
    noClasses()
        .that()
        .resideInAPackage("io.longshore." + service + "..")
        .should()
        .dependOnClassesThat(
            SERVICE
                .or(resideInAPackage("io.longshore.cli.."))
                .and(not(resideInAPackage("io.longshore." + service + ".."))))
        .check(classes);
  }

  @Test
  void librariesDoNotDependOnServices() {
    noClasses()
        .that(LIBRARY)
        .should()
        .dependOnClassesThat(
            SERVICE.or(resideInAnyPackage("io.longshore.cli..", "io.longshore.acceptance..")))
        .check(classes);
  }

  @Test
  void theProtocolsDependOnNothingOfOurs() {
    classes()
        .that(GENERATED)
        .should()
        .onlyDependOnClassesThat(GENERATED.or(not(resideInAPackage("io.longshore.."))))
        .check(classes);
  }

  @Test
  void packagesHaveNoCycles() {
    slices()
        .matching("io.longshore.(**)")
        .should()
        .beFreeOfCycles()
        .check(classes.that(not(GENERATED)));
  }
}
