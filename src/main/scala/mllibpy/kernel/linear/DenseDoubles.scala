package mllibpy.kernel.linear

import mllibpy.kernel.Tiles

/** Products of dense float64 rows with the coefficients of one or several linear models.
  *
  * Row r of `x` begins at r * stride; `stride` is the number of features rounded up to [[Lanes]],
  * zeros behind the last one. Coefficients of several models stand by feature, and margins by row,
  * `models` apart, which is rounded up likewise.
  *
  * [[VectorDoubles]] is the implementation on the JDK's Vector API, [[PlainDoubles]] the one in
  * plain loops that runs where the module is missing and that tests hold the first one against.
  */
abstract class DenseDoubles extends Serializable {

  /** `out(r) = x_r . w` for the n rows from `from` on. */
  def margins(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      w: Array[Double],
      out: Array[Double]
  ): Unit

  /** `sums += sum of c(r) x_r` over these rows. */
  def accumulate(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double]
  ): Unit

  /** What products with several models are made by. */
  def tiles: Tiles

  /** The same for several models: `out(r * models + j) = sum of x_rf w(f * models + j)`. */
  final def margins(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      w: Array[Double],
      models: Int,
      out: Array[Double]
  ): Unit = {
    java.util.Arrays.fill(out, 0, n * models, 0.0)
    val at = from * stride
    tiles.multiply(x, at, stride, 1, n, stride, w, 0, models, models, out, 0, models)
  }

  /** `sums(f * models + j) += sum of x_rf c(r * models + j)`. */
  final def accumulate(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      c: Array[Double],
      models: Int,
      sums: Array[Double]
  ): Unit =
    tiles.multiply(x, from * stride, 1, stride, stride, n, c, 0, models, models, sums, 0, models)
}

object DenseDoubles {

  /** What strides are multiples of: a 512-bit vector's numbers. */
  final val Lanes = 8

  def padded(n: Int): Int = (n + Lanes - 1) / Lanes * Lanes

  /** By vectors where the JVM has them. */
  lazy val best: DenseDoubles =
    try if (VectorDoubles.works) VectorDoubles else PlainDoubles
    catch { case _: LinkageError => PlainDoubles }
}
