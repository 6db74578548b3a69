package mllibpy.kernel.linear

/** Products of dense float32 rows with the coefficients of one linear model, in float64: the rows
  * are widened on their way from memory, which holds them in half the bytes.
  *
  * Row r of `x` begins at r * stride; `stride` is the number of features rounded up to
  * [[DenseFloats.Lanes]], zeros behind the last one.
  *
  * [[VectorFloats]] is the implementation on the JDK's Vector API, [[PlainFloats]] the one in plain
  * loops that runs where the module is missing and that tests hold the first one against.
  */
abstract class DenseFloats extends Serializable {

  /** `out(r) = x_r . w` for the n rows from `from` on. */
  def margins(
      x: Array[Float],
      stride: Int,
      from: Int,
      n: Int,
      w: Array[Double],
      out: Array[Double]
  ): Unit

  /** `sums += sum of c(r) x_r` over these rows. */
  def accumulate(
      x: Array[Float],
      stride: Int,
      from: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double]
  ): Unit
}

object DenseFloats {

  /** What strides are multiples of: a 512-bit vector's numbers. */
  final val Lanes = 16

  def padded(n: Int): Int = (n + Lanes - 1) / Lanes * Lanes

  /** By vectors where the JVM has them. */
  lazy val best: DenseFloats =
    try if (VectorDoubles.works) VectorFloats else PlainFloats
    catch { case _: LinkageError => PlainFloats }
}

/** [[DenseFloats]] in plain loops. */
object PlainFloats extends DenseFloats {
  def margins(
      x: Array[Float],
      stride: Int,
      from: Int,
      n: Int,
      w: Array[Double],
      out: Array[Double]
  ): Unit = {
    var r = 0
    while (r < n) {
      var sum = 0.0
      var f = 0
      while (f < stride) { sum += x((from + r) * stride + f) * w(f); f += 1 }
      out(r) = sum
      r += 1
    }
  }

  def accumulate(
      x: Array[Float],
      stride: Int,
      from: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double]
  ): Unit = {
    var r = 0
    while (r < n) {
      var f = 0
      while (f < stride) { sums(f) += c(r) * x((from + r) * stride + f); f += 1 }
      r += 1
    }
  }
}
