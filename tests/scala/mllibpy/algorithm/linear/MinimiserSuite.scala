package mllibpy.algorithm.linear

import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

/** Minimisers of functions whose minimum is known. */
class MinimiserSuite extends AnyFunSuite {
  private val random = new Random(1)
  private val n = 12

  // sum a_i (x_i - c_i)^2 / 2, with a from 0.01 to 100
  private val a = Array.tabulate(n)(i => Math.pow(10, 4.0 * i / (n - 1) - 2))
  private val c = Array.fill(n)(random.nextGaussian())
  private val quadratic: Array[Double] => (Double, Array[Double]) = x => {
    val value = x.indices.map(i => a(i) * (x(i) - c(i)) * (x(i) - c(i)) / 2).sum
    (value, x.indices.map(i => a(i) * (x(i) - c(i))).toArray)
  }

  /** Rosenbrock's valley: no convex function. */
  private val valley: Array[Double] => (Double, Array[Double]) = x => {
    val (u, v) = (1 - x(0), x(1) - x(0) * x(0))
    (u * u + 100 * v * v, Array(-2 * u - 400 * x(0) * v, 200 * v))
  }

  private def run(m: Minimiser, f: Array[Double] => (Double, Array[Double])): Int = {
    var calls = 0
    while (m.reason.isEmpty && calls < 5000) {
      val (value, gradient) = f(m.point)
      m.tell(value, gradient)
      calls += 1
    }
    calls
  }

  test("L-BFGS finds the minimum of a quadratic function with few evaluations") {
    val m = new Lbfgs(new Array(n), Stopping(1e-10, 500))
    val calls = run(m, quadratic)
    assert(m.best.point.zip(c).forall { case (x, y) => Math.abs(x - y) < 1e-6 })
    // SciPy's L-BFGS-B with as much memory takes 323.
    assert(m.reason.contains(Stopping.Converged) && calls < 500, s"$calls calls")
  }

  test("L-BFGS follows a curved valley") {
    val m = new Lbfgs(Array(-1.2, 1), Stopping(1e-8, 500))
    run(m, valley)
    assert(m.best.point.forall(x => Math.abs(x - 1) < 1e-6), m.best.point.toSeq)
  }

  test("values never rise from iteration to iteration, and max_iter ends it") {
    val m = new Lbfgs(Array(-1.2, 1), Stopping(0, 7))
    var before = Double.MaxValue
    while (m.reason.isEmpty) {
      val (value, gradient) = valley(m.point)
      m.tell(value, gradient)
      assert(m.best.value <= before)
      before = m.best.value
    }
    assert(m.iterations == 7 && m.reason.get.contains("max_iter=7"))
  }

  test("OWL-QN shrinks each coordinate of a separable function by its threshold") {
    val l1 = Array.tabulate(n)(i => if (i % 3 == 0) 0.0 else 0.3 * i)
    val m = new Owlqn(new Array(n), l1, Stopping(1e-9, 1000))
    run(m, quadratic)
    for (i <- 0 until n) {
      val right = Math.signum(c(i)) * Math.max(0, Math.abs(c(i)) - l1(i) / a(i))
      assert(Math.abs(m.best.point(i) - right) < 1e-6, i)
      if (right == 0) assert(m.best.point(i) == 0)
    }
    assert(m.best.gradient <= 1e-7)
  }

  test("without a penalty OWL-QN ends where L-BFGS does") {
    val m = new Owlqn(new Array(n), new Array(n), Stopping(1e-8, 1000))
    run(m, quadratic)
    assert(m.best.point.zip(c).forall { case (x, y) => Math.abs(x - y) < 1e-5 })
  }

  test("Newton-CG needs a few iterations for a quadratic function") {
    val (best, iterations, reason) = Newton.minimise[NewtonCg.Slope](
      new Array(n),
      Stopping(1e-10, 50),
      v => (NewtonCg.Slope.apply _).tupled(quadratic(v)),
      (_, seen) => NewtonCg.step(seen.gradient, d => d.zip(a).map { case (x, y) => x * y }),
      _ => ()
    )
    assert(best.point.zip(c).forall { case (x, y) => Math.abs(x - y) < 1e-7 })
    assert(iterations < 12 && reason == Stopping.Converged)
  }

  test("a step by the whole Hessian solves a quadratic function, a singular one too") {
    for (flat <- Seq(0, 2)) {
      val curvatures = a.zipWithIndex.map { case (x, i) => if (i < flat) 0.0 else x }
      val gradient = Array.tabulate(n)(i => -curvatures(i) * c(i))
      val hessian = Array.tabulate(n * n)(i => if (i % (n + 1) == 0) curvatures(i / n) else 0.0)
      val step = NewtonCholesky.step(NewtonCholesky.Curved(0, gradient, hessian))
      for (i <- 0 until n) assert(Math.abs(step(i) - (if (i < flat) 0 else c(i))) < 1e-6)
    }
    // Two coordinates that say the same: what they do together is what counts.
    val twins = NewtonCholesky.step(NewtonCholesky.Curved(0, Array(-2, -2), Array(1, 1, 1, 1)))
    assert(Math.abs(twins.sum - 2) < 1e-6)
  }

  test("a start at the minimum is the end") {
    val m = new Lbfgs(c.clone(), Stopping(1e-12, 10))
    assert(run(m, quadratic) == 1 && m.iterations == 0)
  }

  test("what is no number at the start is refused, and further out it is too far") {
    val m = new Lbfgs(Array(1.0), Stopping(1e-12, 10))
    val refused = intercept[mllibpy.engine.InvalidInput](m.tell(Double.NaN, Array(1.0)))
    assert(refused.getMessage.contains("at the start"))
    // -log(x) + x, not defined below 0
    val barrier = new Lbfgs(Array(0.01), Stopping(1e-10, 100))
    run(barrier, x => (x(0) - Math.log(x(0)), Array(1 - 1 / x(0))))
    assert(Math.abs(barrier.best.point(0) - 1) < 1e-8)
  }
}
