package mllibpy.algorithm.als

import mllibpy.engine.{LocalSession, Shared}
import org.apache.spark.SparkEnv
import org.scalatest.funsuite.AnyFunSuite

import scala.collection.mutable

/** What Spark holds for us at one time. */
private final case class Held(files: Int, rdds: Int, bytes: Long, shared: Int)

/** A fit of many iterations holds no more than one of few, and its plans grow no deeper. */
final class LongFitSuite extends AnyFunSuite with LocalSession {
  private final val Iterations = 200
  private final val Blocks = 2

  private def held(): Held = Held(
    SparkEnv.get.blockManager.diskBlockManager.getAllFiles().size,
    sc.getPersistentRDDs.size,
    sc.getRDDStorageInfo.map(_.memSize).sum,
    Shared.held
  )

  for (
    strategy <- Seq("blocked", "hybrid");
    (name, nonnegative) <- Seq("explicit" -> false, "nonnegative" -> true)
  )
    test(s"$strategy, $name: $Iterations iterations in bounded files and memory") {
      val ratings = Samples.ratings(sc)
      val params = AlsParams()
        .set("rank", 4)
        .set("strategy", strategy)
        .set("num_blocks", Blocks)
        .set("nonnegative", nonnegative)
        .set("max_iter", Iterations)
      val seen = mutable.ArrayBuffer.empty[Held]
      SparkWork.of(sc, () => seen += held()) {
        val model = Als.fit(ratings, params)
        assert(model.facts.iterations == Iterations)
      }
      // Jobs are spread evenly over the iterations, so what grew without bound would double.
      val (early, late) = seen.splitAt(seen.size / 2)
      for ((what, of) <- quantities)
        assert(late.map(of).max <= 1.5 * early.map(of).max, s"$what grew")
      assert(early.map(_.files).max <= 2 * files(ratings.chunks.getNumPartitions))
    }

  private val quantities = Seq[(String, Held => Double)](
    "files" -> (_.files.toDouble),
    "persisted RDDs" -> (_.rdds.toDouble),
    "persisted bytes" -> (_.bytes.toDouble),
    "shared values" -> (_.shared.toDouble)
  )

  /** Those that are there just before a cut: layout and routes of two sides, and the half-steps
    * since the last one. A task of a shuffle writes three: data, index and checksums.
    */
  private def files(partitions: Int): Int =
    3 * (2 * partitions + 2 * Blocks + 2 * Blocked.CutEvery * Blocks)
}
