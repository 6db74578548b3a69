package mllibpy.engine

import org.apache.spark.SparkException
import org.scalatest.funsuite.AnyFunSuite

class DriverBlocksSuite extends AnyFunSuite with LocalSession {
  private def tiles(n: Int) = (0 until n).map(i => new Tile(i.toLong, 1, 2, Array(i.toFloat, 0f)))

  test("one block to a partition, in order, as often as asked") {
    val held = new DriverBlocks(sc, tiles(5))
    assert(held.rdd.getNumPartitions == 5)
    for (_ <- 0 to 1) assert(held.rdd.map(_.first).collect().toSeq == Seq(0L, 1L, 2L, 3L, 4L))
    held.release()
  }

  test("no blocks at all are an empty RDD") {
    val held = new DriverBlocks(sc, tiles(0))
    assert(held.rdd.count() == 0)
    held.release()
  }

  test("in local mode tasks read the blocks in place") {
    val block = new Object with Serializable
    val held = new DriverBlocks(sc, Seq(block))
    assert(
      held.rdd.map(b => System.identityHashCode(b)).collect().toSeq == Seq(
        System.identityHashCode(block)
      )
    )
    held.release()
  }

  test("released blocks are gone, and releasing twice is nothing") {
    val before = Shared.held
    val held = new DriverBlocks(sc, tiles(3))
    assert(Shared.held == before + 3)
    held.release()
    held.release()
    assert(Shared.held == before)
    val e = intercept[SparkException](held.rdd.count())
    assert(e.getMessage.contains("after it was destroyed"))
  }

  test("dense tiles sum up to their matrix") {
    val matrix = new DenseTiles(sc, tiles(4))
    assert(matrix.rdd.map(_.values.map(_.toDouble).sum).collect().sum == 6.0)
    matrix.release()
  }
}
