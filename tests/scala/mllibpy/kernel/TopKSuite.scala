package mllibpy.kernel

import org.scalacheck.Gen
import org.scalatest.funsuite.AnyFunSuite
import org.scalatestplus.scalacheck.ScalaCheckPropertyChecks

class TopKSuite extends AnyFunSuite with ScalaCheckPropertyChecks {
  private def best(k: Int, scores: Seq[Float], top: TopK): Seq[(Int, Float)] = {
    for ((s, i) <- scores.zipWithIndex) top.offer(i, s)
    val items = Array.fill(k + 2)(-1)
    val found = Array.fill(k + 2)(Float.NaN)
    top.copyTo(items, found, 1)
    assert(items(0) == -1 && items(top.count + 1) == -1)
    items.slice(1, top.count + 1).toSeq.zip(found.slice(1, top.count + 1))
  }

  test("the first k of a sort by score, then by number") {
    // Few distinct scores, so that ties are common.
    val scores = Gen.listOf(Gen.choose(-3, 3).map(_.toFloat / 2))
    forAll(Gen.choose(1, 12), scores) { (k: Int, s: List[Float]) =>
      val expected = s.zipWithIndex.sortBy { case (v, i) => (-v, i) }.take(k).map(_.swap)
      assert(best(k, s, new TopK(k)) == expected)
    }
  }

  test("cleared, it starts anew") {
    val top = new TopK(2)
    assert(best(2, Seq(5f, 9f, 7f), top) == Seq(1 -> 9f, 2 -> 7f))
    top.clear()
    assert(top.count == 0)
    assert(best(2, Seq(-1f), top) == Seq(0 -> -1f))
  }

  test("infinite scores have their places") {
    val s = Seq(Float.NegativeInfinity, 0f, Float.PositiveInfinity)
    assert(best(3, s, new TopK(3)).map(_._1) == Seq(2, 1, 0))
  }
}
