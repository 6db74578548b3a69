package mllibpy.engine

import org.apache.spark.SparkContext
import org.apache.spark.sql.SparkSession
import org.scalatest.{Outcome, TestSuite}

import java.nio.file.{Files, Path}
import java.util.Comparator
import scala.jdk.CollectionConverters._

/** One local session for all suites of the JVM. After every test nothing may be persisted or shared
  * that was not so before it.
  */
trait LocalSession extends TestSuite {
  def spark: SparkSession = LocalSession.session()
  def sc: SparkContext = spark.sparkContext

  override def withFixture(test: NoArgTest): Outcome = {
    val shared = Shared.held
    val kept = sc.getPersistentRDDs.keySet
    val outcome = super.withFixture(test)
    if (outcome.isSucceeded) {
      // Spark itself drops what it persisted on a thread of its own.
      val left = Iterator
        .continually { Thread.sleep(5); sc.getPersistentRDDs.keySet.diff(kept) }
        .take(200)
        .find(_.isEmpty)
      assert(left.isDefined, s"still persisted: ${sc.getPersistentRDDs}")
      assert(Shared.held == shared, "values still shared")
    }
    outcome
  }

  /** Runs with a folder that is deleted afterwards. */
  def withFolder[T](body: Path => T): T = {
    val folder = Files.createTempDirectory("mllibpy")
    try body(folder)
    finally
      Files
        .walk(folder)
        .sorted(Comparator.reverseOrder[Path]())
        .iterator
        .asScala
        .foreach(Files.delete)
  }
}

object LocalSession {
  def session(): SparkSession = SparkSession
    .builder()
    .master("local[2]")
    .appName("mllib_py tests")
    .config("spark.ui.enabled", value = false)
    .config("spark.sql.shuffle.partitions", 2L)
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .getOrCreate()
}
