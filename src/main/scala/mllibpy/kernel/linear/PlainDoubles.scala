package mllibpy.kernel.linear

import mllibpy.kernel.{PlainTiles, Tiles}

/** [[DenseDoubles]] in plain loops. */
object PlainDoubles extends DenseDoubles {
  def tiles: Tiles = PlainTiles

  def margins(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      w: Array[Double],
      out: Array[Double]
  ): Unit = margins(x, stride, from, n, w, 1, out)

  def accumulate(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double]
  ): Unit = accumulate(x, stride, from, n, c, 1, sums)
}
