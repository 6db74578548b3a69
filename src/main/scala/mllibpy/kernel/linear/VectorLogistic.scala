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

  /** Several models of one row, side by side.
    *
    * @param at
    *   where the row's margins begin; a multiple of the vectors' length of them
    * @param sums
    *   IN/OUT as many
    */
  def models(
      y: Double,
      weight: Double,
      margins: Array[Double],
      at: Int,
      models: Int,
      sums: Array[Double]
  ): Unit = {
    var j = 0
    while (j < models) {
      val m = DoubleVector.fromArray(Species, margins, at + j)
      val e = VectorFunctions.expOfNegative(m.abs.neg)
      val value = m.max(0.0).add(VectorFunctions.logOfOneAnd(e)).sub(m.mul(y))
      value.mul(weight).add(DoubleVector.fromArray(Species, sums, j)).intoArray(sums, j)
      numerator(m, e).div(e.add(1.0)).sub(y).mul(weight).intoArray(margins, at + j)
      j += L
    }
  }

  /** Of the sigmoid: 1 where m is at least 0, e^m elsewhere. */
  private def numerator(m: DoubleVector, e: DoubleVector): DoubleVector =
    e.blend(1.0, m.compare(VectorOperators.GE, 0.0))
}
