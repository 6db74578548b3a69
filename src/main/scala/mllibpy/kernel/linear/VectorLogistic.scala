package mllibpy.kernel.linear

import jdk.incubator.vector.{DoubleVector, VectorOperators, VectorSpecies}

/** The logistic loss and its slope by vectors, whose exponentials and logarithms the JVM takes
  * eight or four at a time.
  */
private[linear] object VectorLogistic {
  private final val Species: VectorSpecies[java.lang.Double] = VectorDoubles.Species
  private final val L: Int = Species.length

  lazy val works: Boolean =
    try VectorDoubles.works
    catch { case _: LinkageError => false }

  /** One model, rows side by side: as [[Loss.slopes]], for as many rows as fill vectors.
    *
    * @return
    *   the rows done
    */
  def rows(
      labels: Array[Double],
      weights: Array[Double],
      from: Int,
      n: Int,
      margins: Array[Double],
      values: Array[Double]
  ): Int = {
    var total = DoubleVector.zero(Species)
    val end = n / L * L
    var r = 0
    while (r < end) {
      val m = DoubleVector.fromArray(Species, margins, r)
      val y = DoubleVector.fromArray(Species, labels, from + r)
      val e = VectorFunctions.expOfNegative(m.abs.neg)
      val value = m.max(0.0).add(VectorFunctions.logOfOneAnd(e)).sub(y.mul(m))
      val slope = numerator(m, e).div(e.add(1.0)).sub(y)
      if (weights == null) {
        total = total.add(value)
        slope.intoArray(margins, r)
      } else {
        val by = DoubleVector.fromArray(Species, weights, from + r)
        total = value.fma(by, total)
        slope.mul(by).intoArray(margins, r)
      }
      r += L
    }
    values(0) += total.reduceLanes(VectorOperators.ADD)
    end
  }

  /** Second derivatives e / (1 + e)^2 with e = e^-|m|, for as many rows as fill vectors.
    *
    * @return
    *   the rows done
    */
  def curvatures(margins: Array[Double], n: Int, out: Array[Double]): Int = {
    val end = n / L * L
    var r = 0
    while (r < end) {
      val e = VectorFunctions.expOfNegative(DoubleVector.fromArray(Species, margins, r).abs.neg)
      val whole = e.add(1.0)
      e.div(whole.mul(whole)).intoArray(out, r)
      r += L
    }
    end
  }

  /** Several models: those of a row stand side by side, rows `models` apart, a multiple of the
    * vectors' length.
    */
  def models(
      labels: Array[Double],
      weights: Array[Double],
      from: Int,
      n: Int,
      margins: Array[Double],
      models: Int,
      values: Array[Double]
  ): Unit = {
    val sums = new Array[Double](models)
    var j = 0
    while (j < models) {
      var total = DoubleVector.zero(Species)
      var at = j
      var r = from
      while (r < from + n) {
        val m = DoubleVector.fromArray(Species, margins, at)
        val y = labels(r)
        val weight = if (weights == null) 1.0 else weights(r)
        val e = VectorFunctions.expOfNegative(m.abs.neg)
        val value = m.max(0.0).add(VectorFunctions.logOfOneAnd(e)).sub(m.mul(y))
        total = value.fma(DoubleVector.broadcast(Species, weight), total)
        numerator(m, e).div(e.add(1.0)).sub(y).mul(weight).intoArray(margins, at)
        at += models
        r += 1
      }
      total.intoArray(sums, j)
      j += L
    }
    for (s <- values.indices) values(s) += sums(s)
  }

  /** Of the sigmoid: 1 where m is at least 0, e^m elsewhere. */
  private def numerator(m: DoubleVector, e: DoubleVector): DoubleVector =
    e.blend(1.0, m.compare(VectorOperators.GE, 0.0))
}
