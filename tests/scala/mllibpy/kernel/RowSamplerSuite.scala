package mllibpy.kernel

import org.scalatest.funsuite.AnyFunSuite

import scala.util.Random

class RowSamplerSuite extends AnyFunSuite {
  private val width = 5
  private val stride = Stride.of(width)
  private val objective = Objective(false, 1f, 0f, nonnegative = false, biases = true, mean = 2f)
  private val items = 12
  private val noise = 1.5f

  /** Items' rows: four factors of which the last is the bias, the 1 where users have theirs. */
  private val fixed = {
    val random = new Random(3)
    val out = new Array[Float](items * stride)
    for (i <- 0 until items) {
      for (j <- 0 until width) out(i * stride + j) = random.nextGaussian().toFloat / 2
      out(i * stride + objective.pinned(1, width)) = 1f
    }
    out
  }
  private val pinned = objective.pinned(0, width)
  private val free = (0 until width).filter(_ != pinned)
  private val mu = Array(0.5, -0.25, 1.0, 0.75)

  private def prior(salt: Long) = {
    val precision = new Array[Float](stride * stride)
    val shift = new Array[Float](stride)
    for (a <- free.indices) {
      precision(free(a) * stride + free(a)) = 2f + a
      shift(free(a)) = ((2f + a) * mu(a)).toFloat
    }
    new Prior(precision, shift, noise, salt)
  }

  private val columns = Array(0, 2, 3, 7, 11)
  private val values = Array(5f, 1f, 3f, 4f, 2f)

  /** Mean and covariance of the row, in float64. */
  private val (mean, precision) = {
    val a = Array.ofDim[Double](free.length, free.length)
    val b = new Array[Double](free.length)
    for (i <- free.indices) {
      a(i)(i) += 2.0 + i
      b(i) += (2.0 + i) * mu(i)
    }
    for ((c, r) <- columns.zip(values)) {
      val y = free.map(j => fixed(c * stride + j).toDouble)
      val target = r - 2.0 - fixed(c * stride + pinned)
      for (i <- free.indices) {
        b(i) += noise * target * y(i)
        for (j <- free.indices) a(i)(j) += noise * y(i) * y(j)
      }
    }
    (Dense.solve(a, b), a)
  }

  private def draws(n: Int, arithmetic: Arithmetic): Seq[Array[Float]] = {
    val rows = new Csr(Array(0, columns.length), columns, values)
    (0 until n).map { s =>
      val out = new Array[Float](stride)
      new RowSampler(width, objective, 0, arithmetic)
        .draw(rows, Array(77L), fixed, prior(Scramble.mix(s.toLong)), out)
      out
    }
  }

  test("draws have the mean and the covariance of the conditional distribution") {
    for (arithmetic <- Seq(PlainArithmetic, Arithmetic.best)) {
      val n = 20000
      val x = draws(n, arithmetic).map(out => free.map(j => out(j).toDouble))
      for (i <- free.indices) {
        val m = x.map(_(i)).sum / n
        assert(Math.abs(m - mean(i)) < 0.03, s"mean of $i: $m, not ${mean(i)}")
      }
      // The precision times the draws' covariance is the identity.
      val covariance = Array.tabulate(free.length, free.length)((i, j) =>
        x.map(v => (v(i) - mean(i)) * (v(j) - mean(j))).sum / n
      )
      for (i <- free.indices; j <- free.indices) {
        val p = free.indices.map(k => precision(i)(k) * covariance(k)(j)).sum
        assert(Math.abs(p - (if (i == j) 1 else 0)) < 0.08, s"($i, $j): $p")
      }
    }
  }

  test("the 1 stays, the padding is zero, the loss is the squared errors, a seed gives one draw") {
    val rows = new Csr(Array(0, columns.length), columns, values)
    def once() = {
      val out = new Array[Float](stride)
      val sums = new RowSampler(width, objective, 0).draw(rows, Array(5L), fixed, prior(9), out)
      (out, sums)
    }
    val (x, sums) = once()
    assert(x(pinned) == 1f && x.drop(width).forall(_ == 0f))
    val errors = columns.zip(values).map { case (c, r) =>
      r - 2.0 - (0 until width).map(j => x(j).toDouble * fixed(c * stride + j)).sum
    }
    assert(Math.abs(sums.loss - errors.map(e => e * e).sum) < 1e-4 * sums.loss)
    assert(once()._1.sameElements(x))
    val other = new Array[Float](stride)
    new RowSampler(width, objective, 0).draw(rows, Array(6L), fixed, prior(9), other)
    assert(!other.sameElements(x))
  }

  test("weights multiply the precision of ratings") {
    def draw(rows: Csr, noise: Float) = {
      val p = prior(9)
      val out = new Array[Float](stride)
      val against = new Prior(p.precision, p.shift, noise, p.salt)
      val sums = new RowSampler(width, objective, 0).draw(rows, Array(5L), fixed, against, out)
      (out, sums.loss)
    }
    def weighted(weights: Array[Float]) =
      new Csr(Array(0, columns.length), columns, values, weights)
    val (x, loss) = draw(new Csr(Array(0, columns.length), columns, values), 2f)
    val (ones, _) = draw(weighted(columns.map(_ => 1f)), 2f)
    val (fours, more) = draw(weighted(columns.map(_ => 4f)), 0.5f)
    assert(ones.sameElements(x) && fours.sameElements(x))
    assert(Math.abs(more - 4 * loss) < 1e-5 * more)
    // A rating of weight 2 is the rating twice, one of weight 0 none.
    val times = columns.indices.map(_ % 3)
    val entries = columns.indices.flatMap(e => Seq.fill(times(e))(e)).toArray
    val repeated = new Csr(Array(0, entries.length), entries.map(columns), entries.map(values))
    val (a, off) = draw(weighted(times.map(_.toFloat).toArray), 2f)
    val (b, same) = draw(repeated, 2f)
    assert(a.zip(b).forall { case (u, v) => Math.abs(u - v) < 1e-4 } && !a.sameElements(x))
    assert(Math.abs(off - same) < 1e-4 * same)
  }

  test("normal draws have the moments of a normal distribution") {
    val n = new Normals(1)
    val x = Array.fill(200000)(n.next())
    def moment(p: Int) = x.map(Math.pow(_, p.toDouble)).sum / x.length
    for ((p, expected) <- Seq(1 -> 0.0, 2 -> 1.0, 3 -> 0.0, 4 -> 3.0))
      assert(Math.abs(moment(p) - expected) < 0.05, s"moment $p is ${moment(p)}")
  }
}
