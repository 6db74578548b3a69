package mllibpy.engine

import org.apache.spark.rdd.RDD
import org.scalatest.funsuite.AnyFunSuite

class LastingSuite extends AnyFunSuite with LocalSession {
  private final class Kept(var rdd: RDD[Int])

  test("tasks read the value itself while it is wanted, and then it goes") {
    val before = held()
    val kept = new Kept(readers())
    // What a lazy RDD reads stays while the RDD does.
    assert(held() == before + 1)
    for (_ <- 0 until 2) assert(kept.rdd.collect().toSeq == Seq(0, 0, 0, 14, 0))
    kept.rdd = null
    for (_ <- 0 until 100 if held() > before) Thread.sleep(20)
    assert(held() == before)
  }

  // Of their own, so that no frame on the stack holds the value.
  private def readers(): RDD[Int] = {
    val value = new Array[Int](5)
    value(3) = 7
    val lasting = Lasting(sc, value)
    require(lasting.value eq value)
    sc.parallelize(0 until 5, 2).map(i => lasting.value(i) * 2)
  }

  private def held(): Int = {
    System.gc()
    Lasting.held
  }
}
