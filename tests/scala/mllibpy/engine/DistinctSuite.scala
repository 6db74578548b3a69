package mllibpy.engine

import mllibpy.kernel.Scramble
import org.scalatest.funsuite.AnyFunSuite

class DistinctSuite extends AnyFunSuite {
  private def of(keys: Iterator[Long]): Distinct = {
    val out = new Distinct
    keys.foreach(k => out.add(Scramble.mix(k)))
    out
  }

  test("the estimate is near, whatever the order and the repeats, and merges") {
    assert(new Distinct().estimate == 0 && of(Iterator(7L, 7L)).estimate == 1)
    for (n <- Seq(10, 1000, 8000, 15000, 100000, 1000000)) {
      val found = of((0L until n.toLong).iterator).estimate
      assert(Math.abs(found - n) <= 0.06 * n, s"$found for $n")
      val (low, high) = (of((0L until n / 2L).iterator), of((n / 3L until n.toLong).iterator))
      assert(high.merge(low).estimate == found)
    }
  }
}
