package mllibpy.engine

import org.scalatest.funsuite.AnyFunSuite

class GatherSuite extends AnyFunSuite with LocalSession {
  test("what collect gives, in its order, and nothing is left behind") {
    val before = Shared.held
    for (parts <- Seq(1, 3, 20)) {
      val rdd = sc.parallelize(0 until 10, parts)
      assert(Gather(rdd).toSeq == (0 until 10))
    }
    assert(Shared.held == before)
  }

  test("a job that fails leaves nothing behind") {
    val before = Shared.held
    intercept[Exception](Gather(sc.parallelize(0 until 4, 2).map(i => 1 / (i - 3))))
    assert(Shared.held == before)
  }
}
