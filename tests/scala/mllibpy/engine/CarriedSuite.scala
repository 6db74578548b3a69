package mllibpy.engine

import org.scalatest.funsuite.AnyFunSuite

/** States go on from pass to pass beside their blocks, on the driver as in Spark. */
class CarriedSuite extends AnyFunSuite with LocalSession {
  private val blocks = (1L to 7L).map(Long.box)
  private def expected(steps: Int) =
    (1 to steps).map(t => blocks.map(b => b * t).sum)

  test("on the driver") {
    for (threads <- Seq(1, 3))
      assert(
        CarriedSuite
          .run(Carried(new HereBlocks(blocks, threads))(_ => Long.box(0L)), 5) == expected(5)
      )
  }

  test("in Spark, past a cut of the lineage; nothing is left") {
    val before = (Shared.held, sc.getPersistentRDDs.size)
    val held = new SparkBlocks(sc.parallelize(blocks, 3), () => ())
    val carried = Carried(held)((_: java.lang.Long) => Long.box(0L))
    assert(CarriedSuite.run(carried, 43) == expected(43))
    carried.release()
    assert((Shared.held, sc.getPersistentRDDs.size) == before)
  }
}

// An object: a task's closure holds nothing of the suite.
private object CarriedSuite {
  private final class Total extends Serializable {
    var sum = 0L
    def merge(other: Total): Total = { sum += other.sum; this }
  }

  /** A block's state is how often its number was added up. */
  def run(carried: Carried[java.lang.Long, java.lang.Long], steps: Int): Seq[Long] =
    (1 to steps).map { _ =>
      carried
        .step(Seq.empty)(_ => new Total) { (total, blocks, states) =>
          val next = blocks.zip(states).map { case (block, state) => block + state }
          total.sum += next.sum
          next.map(Long.box)
        }(_ merge _)
        .sum
    }
}
