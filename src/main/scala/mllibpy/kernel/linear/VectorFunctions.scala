package mllibpy.kernel.linear

import jdk.incubator.vector.{DoubleVector, VectorOperators, VectorSpecies}

/** Functions by vectors that give the same bits however the JVM runs them.
  *
  * `VectorOperators.EXP` and `LOG1P` do not: compiled code calls a library for them, interpreted
  * code `java.lang.Math`, and the two differ in the last place. A partition that a fresh executor
  * computes again would not be what it was. Sums, products and fused products are exact by
  * definition, so that polynomials of them are safe.
  */
private[linear] object VectorFunctions {
  private final val Species: VectorSpecies[java.lang.Double] = VectorDoubles.Species

  // ln 2 in two parts, the first short enough for its products with exponents to be exact, and
  // 1.5 * 2^52, beside which whole numbers are the last bits of a double.
  private final val LogOfE = 1.4426950408889634
  private final val Ln2High = 6.93147180369123816490e-01
  private final val Ln2Low = 1.90821492927058770002e-10
  private final val Whole = 6755399441055744.0
  // Below it e^x would leave the normal numbers.
  private final val Least = -708.0

  /** e^x for x of at most 0; 3e-308 for what is smaller still. By x = n ln 2 + r and Taylor's
    * series of e^r to the thirteenth power, |r| <= 0.35: within two units of the last place.
    */
  def expOfNegative(of: DoubleVector): DoubleVector = {
    val x = of.max(Least)
    val shifted = x.fma(all(LogOfE), all(Whole))
    val n = shifted.sub(Whole)
    val r = n.fma(all(-Ln2Low), n.fma(all(-Ln2High), x))
    val power = taylor(r)
    // n stands in the last bits of `shifted`; moved up it adds to the exponent.
    val exponent = shifted.reinterpretAsLongs.lanewise(VectorOperators.LSHL, 52L)
    power.reinterpretAsLongs.add(exponent).reinterpretAsDoubles
  }

  private def taylor(r: DoubleVector): DoubleVector =
    r.fma(all(1.0 / 6227020800.0), all(1.0 / 479001600.0))
      .fma(r, all(1.0 / 39916800.0))
      .fma(r, all(1.0 / 3628800.0))
      .fma(r, all(1.0 / 362880.0))
      .fma(r, all(1.0 / 40320.0))
      .fma(r, all(1.0 / 5040.0))
      .fma(r, all(1.0 / 720.0))
      .fma(r, all(1.0 / 120.0))
      .fma(r, all(1.0 / 24.0))
      .fma(r, all(1.0 / 6.0))
      .fma(r, all(0.5))
      .fma(r, all(1.0))
      .fma(r, all(1.0))

  // Above it the half of 1 + e is nearer to 1 than 1 + e is.
  private final val Half = 0.41421356237309503

  /** log(1 + e) for e from 0 to 1, within two units of the last place: for 1 + f with f from -0.3
    * to 0.42 the polynomial in (f / (2 + f))^2 of fdlibm's `__ieee754_log` (Sun, 1993).
    */
  def logOfOneAnd(e: DoubleVector): DoubleVector = {
    val above = e.compare(VectorOperators.GT, Half)
    val f = e.blend(e.sub(1.0).mul(0.5), above)
    val s = f.div(f.add(2.0))
    val z = s.mul(s)
    val tail = z.mul(series(z))
    val half = f.mul(f).mul(0.5)
    // f - (half - s (half + tail)), and ln 2 where halves were taken.
    val small = f.sub(half.sub(s.mul(half.add(tail))))
    small.blend(small.add(Ln2Low).add(Ln2High), above)
  }

  private def series(z: DoubleVector): DoubleVector =
    z.fma(all(1.479819860511658591e-01), all(1.531383769920937332e-01))
      .fma(z, all(1.818357216161805012e-01))
      .fma(z, all(2.222219843214978396e-01))
      .fma(z, all(2.857142874366239149e-01))
      .fma(z, all(3.999999999940941908e-01))
      .fma(z, all(6.666666666666735130e-01))

  private def all(value: Double): DoubleVector = DoubleVector.broadcast(Species, value)
}
