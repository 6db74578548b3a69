package mllibpy.algorithm.als

import mllibpy.engine.{InvalidInput, LocalSession, SparseBlock}
import mllibpy.kernel.PackedCsr
import org.scalatest.funsuite.AnyFunSuite

class SeenSuite extends AnyFunSuite with LocalSession {
  private def plain(start: Array[Int], columns: Array[Int], values: Array[Float]) =
    PackedCsr.of(start, columns, values, columns.length)

  test("blocks in any order; users and items in the model's order; items ascending") {
    // Keys 10, 20 | 30; items 1, 5, 9. The model has users as 30, 10, 20 and items as 9, 5, 1.
    val first = new SparseBlock(
      0,
      Array(10, 20),
      Array(1, 5),
      plain(Array(0, 2, 3), Array(0, 1, 1), Array(1f, 2f, 3f)),
      Array(0, 2)
    )
    val second = new SparseBlock(
      1,
      Array(30),
      Array(5, 9),
      plain(Array(0, 2), Array(0, 1), Array(4f, 5f)),
      Array(0, 1)
    )
    val seen = Seen.of(
      sc,
      sc.parallelize(Seq(second, first), 2),
      Array(1, 2, 0),
      Array(1L, 5L, 9L),
      Array(2, 1, 0)
    )
    val rows = (0 until 3).map(u => seen.items.slice(seen.start(u), seen.start(u + 1)).toSeq)
    // Key 10 rated 1 and 5 with 1 and 2; in the model's order the item 5 comes first.
    assert(rows == Seq(Seq(0, 1), Seq(1, 2), Seq(1)))
    assert(seen.start.length == 4)
    assert((0 until 3).map(seen.valuesOf(_).toSeq) == Seq(Seq(5f, 4f), Seq(2f, 1f), Seq(3f)))
    val turned = seen.transposed(3)
    assert(turned.start.toSeq == Seq(0, 1, 4, 5) && turned.items.toSeq == Seq(0, 0, 1, 2, 1))
    assert((0 until 3).flatMap(turned.valuesOf(_)) == Seq(5f, 4f, 2f, 3f, 1f))
    assert(intercept[InvalidInput](seen.bare.valuesOf(0)).getMessage.contains("fit again"))
  }
}
