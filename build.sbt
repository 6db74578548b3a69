import scala.sys.process._

// Facts that have their home elsewhere: the version in pyproject.toml, the compiler's options in
// project/scalac-options.txt (build_jar.py reads both too).
ThisBuild / version := IO
  .readLines(file("pyproject.toml"))
  .flatMap("""version = "(.+)"""".r.findFirstMatchIn(_))
  .headOption
  .map(_.group(1))
  .getOrElse(sys.error("pyproject.toml has no version"))
ThisBuild / organization := "mllibpy"
ThisBuild / scalacOptions ++= IO
  .readLines(file("project/scalac-options.txt"))
  .map(_.trim)
  .filter(line => line.nonEmpty && !line.startsWith("#"))

// Spark's own jars, from the installed pyspark: what we compile against is what we run on.
val sparkJars = settingKey[File]("pyspark/jars of $PYTHON, else of .venv, else of python3")
ThisBuild / sparkJars := {
  val venv = baseDirectory.value / ".venv/bin/python"
  val python = sys.env.getOrElse("PYTHON", if (venv.exists) venv.getPath else "python3")
  val find = "import os, pyspark; print(os.path.join(os.path.dirname(pyspark.__file__), 'jars'))"
  file(Process(Seq(python, "-c", find)).!!.trim)
}
// Scala is the one that Spark carries.
ThisBuild / scalaVersion := (ThisBuild / sparkJars).value.list
  .flatMap("scala-library-(.+)\\.jar".r.findFirstMatchIn(_))
  .headOption
  .map(_.group(1))
  .getOrElse(sys.error(s"no Scala library in ${(ThisBuild / sparkJars).value}"))

val kernelSources = settingKey[File]("the kernel room")
ThisBuild / kernelSources := baseDirectory.value / "src/main/scala/mllibpy/kernel"

// The kernel room, without Spark on its class path. It lives among the other rooms, so this
// project's own folder is only for what sbt writes.
lazy val kernel = (project in file("target/kernel")).settings(
  name := "mllib-py-kernel",
  Compile / unmanagedSourceDirectories := Seq(kernelSources.value),
  Test / unmanagedSourceDirectories := Nil,
  Compile / packageDoc / publishArtifact := false
)

// Benchmarks of the kernels; no part of the tests. bench/kernels.py runs them.
lazy val jmh = (project in file("bench/jmh"))
  .dependsOn(kernel)
  .enablePlugins(JmhPlugin)
  .settings(
    Compile / unmanagedSourceDirectories := Seq(baseDirectory.value),
    Compile / packageDoc / publishArtifact := false,
    target := (ThisBuild / baseDirectory).value / "target/jmh"
  )

// Spark's scripts open these packages to it; a forked test opens them itself.
val opened = Seq(
  "java.lang",
  "java.lang.invoke",
  "java.lang.reflect",
  "java.io",
  "java.net",
  "java.nio",
  "java.util",
  "java.util.concurrent",
  "java.util.concurrent.atomic",
  "sun.nio.ch",
  "sun.nio.cs",
  "sun.security.action",
  "sun.util.calendar"
)

// All rooms above the kernel, and every Scala test.
lazy val root = (project in file("."))
  .dependsOn(kernel)
  .aggregate(kernel)
  .settings(
    name := "mllib-py",
    Compile / unmanagedSources / excludeFilter := {
      val room = kernelSources.value.toPath
      (Compile / unmanagedSources / excludeFilter).value ||
      new SimpleFileFilter(_.toPath.startsWith(room))
    },
    Compile / unmanagedJars ++= (sparkJars.value * "*.jar").classpath,
    Test / unmanagedSourceDirectories := Seq(
      baseDirectory.value / "tests/scala",
      baseDirectory.value / "examples" // they compile, or the tests fail
    ),
    libraryDependencies ++= Seq(
      "org.scalatest" %% "scalatest" % "3.2.19" % Test,
      "org.scalatestplus" %% "scalacheck-1-18" % "3.2.19.0" % Test
    ),
    Test / fork := true,
    // One SparkContext to a JVM: suites take turns.
    Test / parallelExecution := false,
    Test / testOptions += Tests.Argument(TestFrameworks.ScalaTest, "-oD"),
    Test / javaOptions ++= Seq(
      "-Xmx3g",
      "-Xss4m",
      "--add-modules=jdk.incubator.vector",
      s"-Dlog4j2.configurationFile=${baseDirectory.value}/project/test-log4j2.properties",
      "-Dspark.ui.enabled=false",
      "-Dspark.driver.host=127.0.0.1",
      "-Dspark.driver.bindAddress=127.0.0.1"
    ) ++ opened.map(p => s"--add-opens=java.base/$p=ALL-UNNAMED"),
    Test / javacOptions ++= Seq("-Xlint:deprecation,unchecked", "-Werror")
  )
