package mllibpy.kernel

import com.sun.management.HotSpotDiagnosticMXBean
import jdk.incubator.vector.{FloatVector, VectorOperators, VectorSpecies}

import java.lang.management.ManagementFactory

/** [[Arithmetic]] on the JDK's Vector API.
  *
  * One species for everything: two species in one JVM can make the compiler give up on both. The
  * symmetric update keeps 8 rows by 2 vectors of the result in registers (8 by 1 on the diagonal)
  * while it runs down the tile, so that each loaded vector is used eight times; the Cholesky factor
  * is left-looking by strips of 8 rows, updated and substituted without leaving the registers.
  */
object VectorArithmetic extends Arithmetic {
  private final val Species: VectorSpecies[java.lang.Float] = {
    val preferred = FloatVector.SPECIES_PREFERRED
    if (preferred.length > Stride.Lanes) FloatVector.SPECIES_512 else preferred
  }
  private final val L: Int = Species.length

  def name: String = s"vector${L * 32}"

  /** Whether the module is there and the processor has vectors worth using. */
  private[kernel] def works: Boolean = L >= 4 && fused

  /** Whether the processor multiplies and adds in one: without, the JVM does that in software, some
    * hundred times slower than plain loops. A JVM that cannot be asked is taken to have it.
    */
  private def fused: Boolean =
    try
      ManagementFactory
        .getPlatformMXBean(classOf[HotSpotDiagnosticMXBean])
        .getVMOption("UseFMA")
        .getValue
        .toBoolean
    catch { case _: Exception | _: LinkageError => true }

  def gather(
      fixed: Array[Float],
      stride: Int,
      columns: Array[Int],
      from: Int,
      n: Int,
      scale: Array[Float],
      target: Array[Float],
      tile: Array[Float],
      rhs: Array[Float]
  ): Unit = {
    var r = 0
    while (r < n) {
      val y = columns(from + r) * stride
      val out = r * stride
      val t = FloatVector.broadcast(Species, target(r))
      var j = 0
      if (scale == null) {
        while (j < stride) {
          val v = FloatVector.fromArray(Species, fixed, y + j)
          v.intoArray(tile, out + j)
          v.fma(t, FloatVector.fromArray(Species, rhs, j)).intoArray(rhs, j)
          j += L
        }
      } else {
        val s = FloatVector.broadcast(Species, scale(r))
        while (j < stride) {
          val v = FloatVector.fromArray(Species, fixed, y + j)
          v.mul(s).intoArray(tile, out + j)
          v.fma(t, FloatVector.fromArray(Species, rhs, j)).intoArray(rhs, j)
          j += L
        }
      }
      r += 1
    }
  }

  def symmetricUpdate(
      a: Array[Float],
      stride: Int,
      tile: Array[Float],
      offset: Int,
      n: Int,
      add: Boolean
  ): Unit = {
    var j0 = 0
    while (j0 + 2 * L <= stride) {
      var i0 = 0
      while (i0 < j0 + L) { update8x2(a, stride, tile, offset, n, i0, j0, add); i0 += 8 }
      while (i0 < j0 + 2 * L) { update8x1(a, stride, tile, offset, n, i0, j0 + L, add); i0 += 8 }
      j0 += 2 * L
    }
    if (j0 < stride) {
      var i0 = 0
      while (i0 < stride) { update8x1(a, stride, tile, offset, n, i0, j0, add); i0 += 8 }
    }
  }

  @inline private def put(a: Array[Float], at: Int, v: FloatVector, add: Boolean): Unit =
    if (add) FloatVector.fromArray(Species, a, at).add(v).intoArray(a, at) else v.intoArray(a, at)

  /** a(i0 .. i0+7, j0 .. j0+2L-1) from all rows of the tile. */
  private def update8x2(
      a: Array[Float],
      k: Int,
      t: Array[Float],
      offset: Int,
      n: Int,
      i0: Int,
      j0: Int,
      add: Boolean
  ): Unit = {
    val zero = FloatVector.zero(Species)
    var a0 = zero; var a1 = zero; var a2 = zero; var a3 = zero
    var a4 = zero; var a5 = zero; var a6 = zero; var a7 = zero
    var c0 = zero; var c1 = zero; var c2 = zero; var c3 = zero
    var c4 = zero; var c5 = zero; var c6 = zero; var c7 = zero
    var o = offset
    val end = offset + n * k
    while (o < end) {
      val q = o + i0
      val x = FloatVector.fromArray(Species, t, o + j0)
      val y = FloatVector.fromArray(Species, t, o + j0 + L)
      val b0 = FloatVector.broadcast(Species, t(q)); a0 = b0.fma(x, a0); c0 = b0.fma(y, c0)
      val b1 = FloatVector.broadcast(Species, t(q + 1)); a1 = b1.fma(x, a1); c1 = b1.fma(y, c1)
      val b2 = FloatVector.broadcast(Species, t(q + 2)); a2 = b2.fma(x, a2); c2 = b2.fma(y, c2)
      val b3 = FloatVector.broadcast(Species, t(q + 3)); a3 = b3.fma(x, a3); c3 = b3.fma(y, c3)
      val b4 = FloatVector.broadcast(Species, t(q + 4)); a4 = b4.fma(x, a4); c4 = b4.fma(y, c4)
      val b5 = FloatVector.broadcast(Species, t(q + 5)); a5 = b5.fma(x, a5); c5 = b5.fma(y, c5)
      val b6 = FloatVector.broadcast(Species, t(q + 6)); a6 = b6.fma(x, a6); c6 = b6.fma(y, c6)
      val b7 = FloatVector.broadcast(Species, t(q + 7)); a7 = b7.fma(x, a7); c7 = b7.fma(y, c7)
      o += k
    }
    var p = i0 * k + j0
    put(a, p, a0, add); put(a, p + L, c0, add); p += k
    put(a, p, a1, add); put(a, p + L, c1, add); p += k
    put(a, p, a2, add); put(a, p + L, c2, add); p += k
    put(a, p, a3, add); put(a, p + L, c3, add); p += k
    put(a, p, a4, add); put(a, p + L, c4, add); p += k
    put(a, p, a5, add); put(a, p + L, c5, add); p += k
    put(a, p, a6, add); put(a, p + L, c6, add); p += k
    put(a, p, a7, add); put(a, p + L, c7, add)
  }

  /** a(i0 .. i0+7, j0 .. j0+L-1) from all rows of the tile. */
  private def update8x1(
      a: Array[Float],
      k: Int,
      t: Array[Float],
      offset: Int,
      n: Int,
      i0: Int,
      j0: Int,
      add: Boolean
  ): Unit = {
    val zero = FloatVector.zero(Species)
    var a0 = zero; var a1 = zero; var a2 = zero; var a3 = zero
    var a4 = zero; var a5 = zero; var a6 = zero; var a7 = zero
    var o = offset
    val end = offset + n * k
    while (o < end) {
      val q = o + i0
      val x = FloatVector.fromArray(Species, t, o + j0)
      a0 = x.fma(FloatVector.broadcast(Species, t(q)), a0)
      a1 = x.fma(FloatVector.broadcast(Species, t(q + 1)), a1)
      a2 = x.fma(FloatVector.broadcast(Species, t(q + 2)), a2)
      a3 = x.fma(FloatVector.broadcast(Species, t(q + 3)), a3)
      a4 = x.fma(FloatVector.broadcast(Species, t(q + 4)), a4)
      a5 = x.fma(FloatVector.broadcast(Species, t(q + 5)), a5)
      a6 = x.fma(FloatVector.broadcast(Species, t(q + 6)), a6)
      a7 = x.fma(FloatVector.broadcast(Species, t(q + 7)), a7)
      o += k
    }
    val p = i0 * k + j0
    put(a, p, a0, add); put(a, p + k, a1, add); put(a, p + 2 * k, a2, add);
    put(a, p + 3 * k, a3, add)
    put(a, p + 4 * k, a4, add); put(a, p + 5 * k, a5, add)
    put(a, p + 6 * k, a6, add); put(a, p + 7 * k, a7, add)
  }

  def cholesky(a: Array[Float], stride: Int): Boolean = {
    val floor = Arithmetic.Singular * PlainArithmetic.largestDiagonal(a, stride)
    val corner = new Array[Float](64)
    var i0 = 0
    var ok = true
    while (i0 < stride && ok) {
      val first = i0 - i0 % L
      val beyond = Math.max(first + L, i0 + 8)
      var j0 = first
      while (j0 < beyond) { strip(a, stride, i0, j0, i0, null); j0 += L }
      ok = factorCorner(a, stride, i0, floor, corner)
      j0 = first
      while (j0 < beyond) { strip(a, stride, i0, j0, 0, corner); j0 += L }
      while (j0 < stride) { strip(a, stride, i0, j0, i0, corner); j0 += L }
      i0 += 8
    }
    ok
  }

  /** For the 8 rows from i0 and the L columns from j0: subtracts what the first `above` rows of R
    * contribute, then, given the factored corner, substitutes so that they become rows of R.
    */
  private def strip(
      a: Array[Float],
      k: Int,
      i0: Int,
      j0: Int,
      above: Int,
      corner: Array[Float]
  ): Unit = {
    val p = i0 * k + j0
    var a0 = FloatVector.fromArray(Species, a, p)
    var a1 = FloatVector.fromArray(Species, a, p + k)
    var a2 = FloatVector.fromArray(Species, a, p + 2 * k)
    var a3 = FloatVector.fromArray(Species, a, p + 3 * k)
    var a4 = FloatVector.fromArray(Species, a, p + 4 * k)
    var a5 = FloatVector.fromArray(Species, a, p + 5 * k)
    var a6 = FloatVector.fromArray(Species, a, p + 6 * k)
    var a7 = FloatVector.fromArray(Species, a, p + 7 * k)
    var o = 0
    val end = above * k
    while (o < end) {
      val x = FloatVector.fromArray(Species, a, o + j0).neg()
      val q = o + i0
      a0 = x.fma(FloatVector.broadcast(Species, a(q)), a0)
      a1 = x.fma(FloatVector.broadcast(Species, a(q + 1)), a1)
      a2 = x.fma(FloatVector.broadcast(Species, a(q + 2)), a2)
      a3 = x.fma(FloatVector.broadcast(Species, a(q + 3)), a3)
      a4 = x.fma(FloatVector.broadcast(Species, a(q + 4)), a4)
      a5 = x.fma(FloatVector.broadcast(Species, a(q + 5)), a5)
      a6 = x.fma(FloatVector.broadcast(Species, a(q + 6)), a6)
      a7 = x.fma(FloatVector.broadcast(Species, a(q + 7)), a7)
      o += k
    }
    if (corner != null) {
      val g = corner
      a0 = a0.mul(g(0)).neg()
      a1 = a0.fma(at(g, 1), a1).mul(g(9)).neg()
      a2 = a1.fma(at(g, 10), a0.fma(at(g, 2), a2)).mul(g(18)).neg()
      a3 = a2.fma(at(g, 19), a1.fma(at(g, 11), a0.fma(at(g, 3), a3))).mul(g(27)).neg()
      a4 = a1.fma(at(g, 12), a0.fma(at(g, 4), a4))
      a4 = a3.fma(at(g, 28), a2.fma(at(g, 20), a4)).mul(g(36)).neg()
      a5 = a1.fma(at(g, 13), a0.fma(at(g, 5), a5))
      a5 = a4.fma(at(g, 37), a3.fma(at(g, 29), a2.fma(at(g, 21), a5))).mul(g(45)).neg()
      a6 = a2.fma(at(g, 22), a1.fma(at(g, 14), a0.fma(at(g, 6), a6)))
      a6 = a5.fma(at(g, 46), a4.fma(at(g, 38), a3.fma(at(g, 30), a6))).mul(g(54)).neg()
      a7 = a2.fma(at(g, 23), a1.fma(at(g, 15), a0.fma(at(g, 7), a7)))
      a7 = a5.fma(at(g, 47), a4.fma(at(g, 39), a3.fma(at(g, 31), a7)))
      a7 = a6.fma(at(g, 55), a7).mul(g(63)).neg()
      // The substitution ran on negated rows, so that every step was an fma.
      a0 = a0.neg(); a1 = a1.neg(); a2 = a2.neg(); a3 = a3.neg()
      a4 = a4.neg(); a5 = a5.neg(); a6 = a6.neg(); a7 = a7.neg()
    }
    a0.intoArray(a, p)
    a1.intoArray(a, p + k)
    a2.intoArray(a, p + 2 * k)
    a3.intoArray(a, p + 3 * k)
    a4.intoArray(a, p + 4 * k)
    a5.intoArray(a, p + 5 * k)
    a6.intoArray(a, p + 6 * k)
    a7.intoArray(a, p + 7 * k)
  }

  @inline private def at(g: Array[Float], i: Int): FloatVector =
    FloatVector.broadcast(Species, g(i))

  /** The Cholesky factor of the 8 by 8 corner at (i0, i0), with inverted diagonal, into `g`; `a`
    * keeps the unfactored corner.
    */
  private def factorCorner(
      a: Array[Float],
      k: Int,
      i0: Int,
      floor: Float,
      g: Array[Float]
  ): Boolean = {
    var i = 0
    var ok = true
    while (i < 8) {
      var j = i
      while (j < 8) {
        var sum = a((i0 + i) * k + i0 + j)
        var o = 0
        while (o < i) { sum -= g(o * 8 + i) * g(o * 8 + j); o += 1 }
        g(i * 8 + j) = sum
        j += 1
      }
      val pivot = g(i * 8 + i)
      ok = ok && pivot > floor
      val inverse = (1.0 / Math.sqrt(pivot.toDouble)).toFloat
      j = i + 1
      while (j < 8) { g(i * 8 + j) *= inverse; j += 1 }
      g(i * 8 + i) = inverse
      i += 1
    }
    ok
  }

  def solve(r: Array[Float], stride: Int, b: Array[Float]): Unit = {
    forward(r, stride, b)
    backward(r, stride, b)
  }

  private def forward(r: Array[Float], k: Int, b: Array[Float]): Unit = {
    var i = 0
    while (i < k) {
      val y = b(i) / r(i * k + i)
      b(i) = y
      val minus = FloatVector.broadcast(Species, -y)
      var j = i + 1
      val head = (j + L - 1) / L * L
      while (j < head) { b(j) -= y * r(i * k + j); j += 1 }
      while (j < k) {
        FloatVector
          .fromArray(Species, r, i * k + j)
          .fma(minus, FloatVector.fromArray(Species, b, j))
          .intoArray(b, j)
        j += L
      }
      i += 1
    }
  }

  private def backward(r: Array[Float], k: Int, b: Array[Float]): Unit = {
    var i = k - 1
    while (i >= 0) {
      var sum = b(i)
      var j = i + 1
      val head = Math.min(k, (j + L - 1) / L * L)
      while (j < head) { sum -= r(i * k + j) * b(j); j += 1 }
      if (j < k) sum -= dot(r, i * k + j, b, j, k - j)
      b(i) = sum / r(i * k + i)
      i -= 1
    }
  }

  def dot(x: Array[Float], xFrom: Int, y: Array[Float], yFrom: Int, n: Int): Float = {
    var sums = FloatVector.zero(Species)
    var i = 0
    while (i + L <= n) {
      sums = FloatVector
        .fromArray(Species, x, xFrom + i)
        .fma(FloatVector.fromArray(Species, y, yFrom + i), sums)
      i += L
    }
    var sum = sums.reduceLanes(VectorOperators.ADD)
    while (i < n) { sum += x(xFrom + i) * y(yFrom + i); i += 1 }
    sum
  }
}
