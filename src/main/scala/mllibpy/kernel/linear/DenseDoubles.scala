package mllibpy.kernel.linear

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

  /** The same for several models: `out(r * models + j) = sum of x_rf w(f * models + j)`. */
  def margins(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      w: Array[Double],
      models: Int,
      out: Array[Double]
  ): Unit

  /** `sums(f * models + j) += sum of x_rf c(r * models + j)`. */
  def accumulate(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      c: Array[Double],
      models: Int,
      sums: Array[Double]
  ): Unit

  /** `sums(f * stride + g) += sum of x_rf x_rg` over the first n rows, for g >= f; what stands
    * below the diagonal is of no use.
    */
  def gram(x: Array[Double], stride: Int, n: Int, sums: Array[Double]): Unit
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
