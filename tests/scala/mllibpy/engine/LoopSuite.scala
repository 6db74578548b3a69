package mllibpy.engine

import org.scalatest.funsuite.AnyFunSuite

import scala.collection.mutable

class LoopSuite extends AnyFunSuite {

  /** A state is a number; its stage takes the next objective from the list. */
  private def run(
      objectives: Seq[Double],
      maxIter: Int,
      tol: Option[Double] = None,
      monitor: Monitor = new Monitor
  ) =
    Loop.run(0, maxIter, tol, monitor)(Seq("step" -> ((s: Int) => (s + 1, objectives(s)))))(
      (_, s) => s
    )

  test("max_iter iterations, and the reason says so") {
    val ended = run(Seq(9, 8, 7, 6), maxIter = 3)
    assert(ended == Ended(3, 3, "max_iter=3 iterations done"))
  }

  test("tol: stops after the first iteration that lowers the objective by less than that share") {
    // 100 -> 80 -> 79: the third one falls by 1.25 %.
    val ended = run(Seq(100, 80, 79, 10), maxIter = 4, tol = Some(0.02))
    assert(
      ended.iterations == 3 && ended.reason == "the objective fell by less than tol=0.02 of it"
    )
    assert(run(Seq(100, 80, 79, 10), maxIter = 4, tol = Some(0.01)).iterations == 4)
    assert(run(Seq(100), maxIter = 1, tol = Some(0.5)).reason.startsWith("max_iter"))
  }

  test("tol 0 stops where nothing falls any more, or the objective rises") {
    assert(run(Seq(5, 4, 4, 3), maxIter = 4, tol = Some(0.0)).iterations == 3)
    assert(run(Seq(5, 4, 4.5, 3), maxIter = 4, tol = Some(0.0)).iterations == 3)
  }

  test("tol is of the size of the objective, below zero too") {
    assert(run(Seq(-100, -120, -121, -200), maxIter = 4, tol = Some(0.02)).iterations == 3)
  }

  test("stages run in order, the last one's objective counts, and each is recorded") {
    val monitor = new Monitor
    val stages = Seq(
      "first" -> ((s: String) => (s + "a", 100.0 - s.length)),
      "second" -> ((s: String) => (s + "b", 50.0))
    )
    val ended = Loop.run("", 5, Some(0.0), monitor)(stages)((_, s) => s)
    assert(ended.state == "abab" && ended.iterations == 2)
    val history = monitor.history
    assert(
      history.map(r => (r.iteration, r.stage)) == Seq(
        (1, "first"),
        (1, "second"),
        (2, "first"),
        (2, "second")
      )
    )
    assert(history.map(_.objective) == Seq(100.0, 50.0, 98.0, 50.0))
    assert(history.forall(r => r.seconds >= 0 && r.seconds < 10))
  }

  test("a judge sees each iteration before the next, and its reason comes first") {
    val seen = mutable.ArrayBuffer.empty[(Int, Int)]
    def judged(tol: Option[Double], last: Int) = {
      seen.clear()
      Loop.run(
        0,
        4,
        tol,
        new Monitor,
        (i: Int, s: Int) => {
          seen += ((i, s))
          if (i == last) Some("enough") else None
        }
      )(Seq("step" -> ((s: Int) => (s + 1, 1.0))))((_, s) => s + 10)
    }
    assert(judged(None, last = 3) == Ended(23, 3, "enough"))
    assert(seen.toSeq == Seq((1, 1), (2, 12), (3, 23)))
    assert(judged(Some(0.0), last = 2).reason == "enough")
    assert(judged(None, last = 9) == Ended(34, 4, "max_iter=4 iterations done"))
    assert(seen.length == 4)
  }

  test("what held-out data say is added to the last step") {
    val monitor = new Monitor
    monitor.record(StepRecord(1, "user", 3, 0.5))
    monitor.record(StepRecord(1, "item", 2, 0.5))
    monitor.validated(0.75)
    assert(monitor.history.map(_.validation) == Seq(None, Some(0.75)))
    assert(monitor.history.map(_.objective) == Seq(3.0, 2.0))
  }

  test("settle is called between iterations, and its state goes on") {
    val seen = mutable.ArrayBuffer.empty[(Int, Int)]
    val ended = Loop.run(0, 4, None, new Monitor)(Seq("step" -> ((s: Int) => (s + 1, 1.0)))) {
      (i, s) =>
        seen += ((i, s))
        s + 10
    }
    assert(seen.toSeq == Seq((1, 1), (2, 12), (3, 23)))
    assert(ended.state == 34)
  }

  test("an objective that is not a number is an error that says where and what to do") {
    for (bad <- Seq(Double.NaN, Double.PositiveInfinity, Double.NegativeInfinity)) {
      val monitor = new Monitor
      val e = intercept[InvalidInput](run(Seq(9, bad), maxIter = 5, monitor = monitor))
      assert(
        e.getMessage == s"the objective became $bad in iteration 2 (step); raise reg, or scale the ratings down"
      )
      assert(e.kind == "state" && monitor.history.length == 2)
    }
  }

  test("a stopped monitor ends the fit at its next step or phase") {
    val monitor = new Monitor
    monitor.enter("laying out")
    assert(monitor.phase == "laying out")
    val stages = Seq("step" -> ((s: Int) => { if (s == 2) monitor.stop(); (s + 1, 1.0) }))
    val e = intercept[InvalidInput](Loop.run(0, 9, None, monitor)(stages)((_, s) => s))
    assert(e.kind == "interrupt" && monitor.history.length == 3)
    assert(intercept[InvalidInput](monitor.enter("fitting")).kind == "interrupt")
    assert(monitor.phase == "laying out")
  }
}
