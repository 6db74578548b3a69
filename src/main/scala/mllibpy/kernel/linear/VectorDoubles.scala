package mllibpy.kernel.linear

import jdk.incubator.vector.{DoubleVector, VectorOperators, VectorSpecies}
import mllibpy.kernel.{Tiles, VectorArithmetic, VectorTiles}

/** [[DenseDoubles]] on the JDK's Vector API. Four rows share a load of the coefficients, and four
  * vectors of the sum stay in registers while the rows go by.
  */
object VectorDoubles extends DenseDoubles {
  private[linear] final val Species: VectorSpecies[java.lang.Double] = {
    val preferred = DoubleVector.SPECIES_PREFERRED
    if (preferred.length > DenseDoubles.Lanes) DoubleVector.SPECIES_512 else preferred
  }
  private final val L: Int = Species.length

  def tiles: Tiles = VectorTiles

  private[linear] def works: Boolean = L >= 2 && VectorArithmetic.works

  def margins(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      w: Array[Double],
      out: Array[Double]
  ): Unit = {
    var r = 0
    while (r + 4 <= n) {
      dots4(x, (from + r) * stride, stride, w, out, r)
      r += 4
    }
    while (r < n) {
      out(r) = dot(x, (from + r) * stride, stride, w)
      r += 1
    }
  }

  private def dots4(
      x: Array[Double],
      at: Int,
      stride: Int,
      w: Array[Double],
      out: Array[Double],
      r: Int
  ): Unit = {
    var a0 = DoubleVector.zero(Species)
    var a1 = DoubleVector.zero(Species)
    var a2 = DoubleVector.zero(Species)
    var a3 = DoubleVector.zero(Species)
    var f = 0
    var p = at
    while (f < stride) {
      val v = DoubleVector.fromArray(Species, w, f)
      a0 = DoubleVector.fromArray(Species, x, p).fma(v, a0)
      a1 = DoubleVector.fromArray(Species, x, p + stride).fma(v, a1)
      a2 = DoubleVector.fromArray(Species, x, p + 2 * stride).fma(v, a2)
      a3 = DoubleVector.fromArray(Species, x, p + 3 * stride).fma(v, a3)
      f += L
      p += L
    }
    out(r) = a0.reduceLanes(VectorOperators.ADD)
    out(r + 1) = a1.reduceLanes(VectorOperators.ADD)
    out(r + 2) = a2.reduceLanes(VectorOperators.ADD)
    out(r + 3) = a3.reduceLanes(VectorOperators.ADD)
  }

  // In the order of `dots4`, so that a margin does not depend on which rows stand beside it.
  private def dot(x: Array[Double], at: Int, stride: Int, w: Array[Double]): Double = {
    var a = DoubleVector.zero(Species)
    var f = 0
    while (f < stride) {
      a = DoubleVector.fromArray(Species, x, at + f).fma(DoubleVector.fromArray(Species, w, f), a)
      f += L
    }
    a.reduceLanes(VectorOperators.ADD)
  }

  def accumulate(
      x: Array[Double],
      stride: Int,
      from: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double]
  ): Unit = {
    var f = 0
    while (f + 4 * L <= stride) {
      add4(x, from * stride + f, stride, n, c, sums, f)
      f += 4 * L
    }
    while (f < stride) {
      add1(x, from * stride + f, stride, n, c, sums, f)
      f += L
    }
  }

  private def add4(
      x: Array[Double],
      at: Int,
      stride: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double],
      f: Int
  ): Unit = {
    var a0 = DoubleVector.fromArray(Species, sums, f)
    var a1 = DoubleVector.fromArray(Species, sums, f + L)
    var a2 = DoubleVector.fromArray(Species, sums, f + 2 * L)
    var a3 = DoubleVector.fromArray(Species, sums, f + 3 * L)
    var r = 0
    var p = at
    while (r < n) {
      val b = DoubleVector.broadcast(Species, c(r))
      a0 = DoubleVector.fromArray(Species, x, p).fma(b, a0)
      a1 = DoubleVector.fromArray(Species, x, p + L).fma(b, a1)
      a2 = DoubleVector.fromArray(Species, x, p + 2 * L).fma(b, a2)
      a3 = DoubleVector.fromArray(Species, x, p + 3 * L).fma(b, a3)
      r += 1
      p += stride
    }
    a0.intoArray(sums, f)
    a1.intoArray(sums, f + L)
    a2.intoArray(sums, f + 2 * L)
    a3.intoArray(sums, f + 3 * L)
  }

  private def add1(
      x: Array[Double],
      at: Int,
      stride: Int,
      n: Int,
      c: Array[Double],
      sums: Array[Double],
      f: Int
  ): Unit = {
    var a = DoubleVector.fromArray(Species, sums, f)
    var r = 0
    var p = at
    while (r < n) {
      a = DoubleVector
        .fromArray(Species, x, p)
        .fma(DoubleVector.broadcast(Species, c(r)), a)
      r += 1
      p += stride
    }
    a.intoArray(sums, f)
  }
}
