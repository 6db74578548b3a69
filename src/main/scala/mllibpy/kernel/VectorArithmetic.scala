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
      offset: Int,
      width: Int,
      columns: Array[Int],
      from: Int,
      n: Int,
      scale: Array[Float],
      target: Array[Float],
      tile: Array[Float],
      rhs: Array[Float]
  ): Unit =
    if (tile.length == 0) gatherSum(fixed, stride, offset, width, columns, from, n, target, rhs)
    else if (scale == null)
      gatherPlain(fixed, stride, offset, width, columns, from, n, target, tile, rhs)
    else gatherScaled(fixed, stride, offset, width, columns, from, n, scale, target, tile, rhs)

  private def gatherPlain(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      from: Int,
      n: Int,
      target: Array[Float],
      tile: Array[Float],
      rhs: Array[Float]
  ): Unit = {
    var r = 0
    while (r < n) {
      val y = columns(from + r) * stride + offset
      val out = r * width
      val t = FloatVector.broadcast(Species, target(from + r))
      var j = 0
      while (j < width) {
        val v = FloatVector.fromArray(Species, fixed, y + j)
        v.intoArray(tile, out + j)
        v.fma(t, FloatVector.fromArray(Species, rhs, j)).intoArray(rhs, j)
        j += L
      }
      r += 1
    }
  }

  private def gatherScaled(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
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
      val y = columns(from + r) * stride + offset
      val out = r * width
      val t = FloatVector.broadcast(Species, target(from + r))
      val s = FloatVector.broadcast(Species, scale(from + r))
      var j = 0
      while (j < width) {
        val v = FloatVector.fromArray(Species, fixed, y + j)
        v.mul(s).intoArray(tile, out + j)
        v.fma(t, FloatVector.fromArray(Species, rhs, j)).intoArray(rhs, j)
        j += L
      }
      r += 1
    }
  }

  private def gatherSum(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      from: Int,
      n: Int,
      target: Array[Float],
      rhs: Array[Float]
  ): Unit = {
    var r = 0
    while (r < n) {
      val y = columns(from + r) * stride + offset
      val t = FloatVector.broadcast(Species, target(from + r))
      var j = 0
      while (j < width) {
        FloatVector
          .fromArray(Species, fixed, y + j)
          .fma(t, FloatVector.fromArray(Species, rhs, j))
          .intoArray(rhs, j)
        j += L
      }
      r += 1
    }
  }

  /** Four rows at a time, so that four chains of additions run side by side; a row is read twice,
    * the second time from the first-level cache.
    */
  def product(
      fixed: Array[Float],
      stride: Int,
      columns: Array[Int],
      n: Int,
      weight: Array[Float],
      v: Array[Float],
      out: Array[Float]
  ): Unit = {
    var e = 0
    while (e + 4 <= n) {
      val y0 = columns(e) * stride
      val y1 = columns(e + 1) * stride
      val y2 = columns(e + 2) * stride
      val y3 = columns(e + 3) * stride
      var a0 = FloatVector.zero(Species)
      var a1 = a0
      var a2 = a0
      var a3 = a0
      var j = 0
      while (j < stride) {
        val p = FloatVector.fromArray(Species, v, j)
        a0 = p.fma(FloatVector.fromArray(Species, fixed, y0 + j), a0)
        a1 = p.fma(FloatVector.fromArray(Species, fixed, y1 + j), a1)
        a2 = p.fma(FloatVector.fromArray(Species, fixed, y2 + j), a2)
        a3 = p.fma(FloatVector.fromArray(Species, fixed, y3 + j), a3)
        j += L
      }
      var s0 = a0.reduceLanes(VectorOperators.ADD)
      var s1 = a1.reduceLanes(VectorOperators.ADD)
      var s2 = a2.reduceLanes(VectorOperators.ADD)
      var s3 = a3.reduceLanes(VectorOperators.ADD)
      if (weight != null) {
        s0 *= weight(e)
        s1 *= weight(e + 1)
        s2 *= weight(e + 2)
        s3 *= weight(e + 3)
      }
      val b0 = FloatVector.broadcast(Species, s0)
      val b1 = FloatVector.broadcast(Species, s1)
      val b2 = FloatVector.broadcast(Species, s2)
      val b3 = FloatVector.broadcast(Species, s3)
      j = 0
      while (j < stride) {
        var o = FloatVector.fromArray(Species, out, j)
        o = b0.fma(FloatVector.fromArray(Species, fixed, y0 + j), o)
        o = b1.fma(FloatVector.fromArray(Species, fixed, y1 + j), o)
        o = b2.fma(FloatVector.fromArray(Species, fixed, y2 + j), o)
        b3.fma(FloatVector.fromArray(Species, fixed, y3 + j), o).intoArray(out, j)
        j += L
      }
      e += 4
    }
    while (e < n) {
      val y = columns(e) * stride
      val s = dot(fixed, y, v, 0, stride) * (if (weight == null) 1f else weight(e))
      addScaled(FloatVector.broadcast(Species, s), fixed, y, stride, out)
      e += 1
    }
  }

  private def addScaled(
      s: FloatVector,
      y: Array[Float],
      from: Int,
      n: Int,
      out: Array[Float]
  ): Unit = {
    var j = 0
    while (j < n) {
      s.fma(FloatVector.fromArray(Species, y, from + j), FloatVector.fromArray(Species, out, j))
        .intoArray(out, j)
      j += L
    }
  }

  def dots(
      fixed: Array[Float],
      stride: Int,
      offset: Int,
      width: Int,
      columns: Array[Int],
      n: Int,
      v: Array[Float],
      vFrom: Int,
      out: Array[Float],
      add: Boolean
  ): Unit = {
    var e = 0
    while (e + 4 <= n) {
      val y0 = columns(e) * stride + offset
      val y1 = columns(e + 1) * stride + offset
      val y2 = columns(e + 2) * stride + offset
      val y3 = columns(e + 3) * stride + offset
      var a0 = FloatVector.zero(Species)
      var a1 = a0
      var a2 = a0
      var a3 = a0
      var j = 0
      while (j < width) {
        val p = FloatVector.fromArray(Species, v, vFrom + j)
        a0 = p.fma(FloatVector.fromArray(Species, fixed, y0 + j), a0)
        a1 = p.fma(FloatVector.fromArray(Species, fixed, y1 + j), a1)
        a2 = p.fma(FloatVector.fromArray(Species, fixed, y2 + j), a2)
        a3 = p.fma(FloatVector.fromArray(Species, fixed, y3 + j), a3)
        j += L
      }
      val s0 = a0.reduceLanes(VectorOperators.ADD)
      val s1 = a1.reduceLanes(VectorOperators.ADD)
      val s2 = a2.reduceLanes(VectorOperators.ADD)
      val s3 = a3.reduceLanes(VectorOperators.ADD)
      if (add) { out(e) += s0; out(e + 1) += s1; out(e + 2) += s2; out(e + 3) += s3 }
      else { out(e) = s0; out(e + 1) = s1; out(e + 2) = s2; out(e + 3) = s3 }
      e += 4
    }
    while (e < n) {
      val s = dot(fixed, columns(e) * stride + offset, v, vFrom, width)
      out(e) = if (add) out(e) + s else s
      e += 1
    }
  }

  def combine(
      g: Array[Float],
      stride: Int,
      from: Int,
      until: Int,
      v: Array[Float],
      vFrom: Int,
      out: Array[Float]
  ): Unit = {
    var i = from
    while (i + 4 <= until) {
      val b0 = FloatVector.broadcast(Species, v(vFrom + i))
      val b1 = FloatVector.broadcast(Species, v(vFrom + i + 1))
      val b2 = FloatVector.broadcast(Species, v(vFrom + i + 2))
      val b3 = FloatVector.broadcast(Species, v(vFrom + i + 3))
      val p = i * stride
      var j = 0
      while (j < stride) {
        var o = FloatVector.fromArray(Species, out, j)
        o = b0.fma(FloatVector.fromArray(Species, g, p + j), o)
        o = b1.fma(FloatVector.fromArray(Species, g, p + stride + j), o)
        o = b2.fma(FloatVector.fromArray(Species, g, p + 2 * stride + j), o)
        b3.fma(FloatVector.fromArray(Species, g, p + 3 * stride + j), o).intoArray(out, j)
        j += L
      }
      i += 4
    }
    while (i < until) {
      addScaled(FloatVector.broadcast(Species, v(vFrom + i)), g, i * stride, stride, out)
      i += 1
    }
  }

  def scores(
      x: Array[Float],
      xFrom: Int,
      stride: Int,
      rank: Int,
      panel: Array[Float],
      p: Int,
      out: Array[Float]
  ): Unit = {
    var i = 0
    while (i < Arithmetic.PanelItems) {
      scores8x2(x, xFrom, stride, rank, panel, p + i, out, i)
      i += 2 * L
    }
  }

  /** Scores of 8 users and 2 L items, in registers. */
  private def scores8x2(
      x: Array[Float],
      u: Int,
      k: Int,
      rank: Int,
      panel: Array[Float],
      p: Int,
      out: Array[Float],
      to: Int
  ): Unit = {
    val zero = FloatVector.zero(Species)
    var a0 = zero; var a1 = zero; var a2 = zero; var a3 = zero
    var a4 = zero; var a5 = zero; var a6 = zero; var a7 = zero
    var c0 = zero; var c1 = zero; var c2 = zero; var c3 = zero
    var c4 = zero; var c5 = zero; var c6 = zero; var c7 = zero
    var j = 0
    var o = p
    while (j < rank) {
      val q = u + j
      val y = FloatVector.fromArray(Species, panel, o)
      val z = FloatVector.fromArray(Species, panel, o + L)
      val b0 = at(x, q); a0 = b0.fma(y, a0); c0 = b0.fma(z, c0)
      val b1 = at(x, q + k); a1 = b1.fma(y, a1); c1 = b1.fma(z, c1)
      val b2 = at(x, q + 2 * k); a2 = b2.fma(y, a2); c2 = b2.fma(z, c2)
      val b3 = at(x, q + 3 * k); a3 = b3.fma(y, a3); c3 = b3.fma(z, c3)
      val b4 = at(x, q + 4 * k); a4 = b4.fma(y, a4); c4 = b4.fma(z, c4)
      val b5 = at(x, q + 5 * k); a5 = b5.fma(y, a5); c5 = b5.fma(z, c5)
      val b6 = at(x, q + 6 * k); a6 = b6.fma(y, a6); c6 = b6.fma(z, c6)
      val b7 = at(x, q + 7 * k); a7 = b7.fma(y, a7); c7 = b7.fma(z, c7)
      o += Arithmetic.PanelItems
      j += 1
    }
    val w = Arithmetic.PanelItems
    a0.intoArray(out, to); c0.intoArray(out, to + L)
    a1.intoArray(out, to + w); c1.intoArray(out, to + w + L)
    a2.intoArray(out, to + 2 * w); c2.intoArray(out, to + 2 * w + L)
    a3.intoArray(out, to + 3 * w); c3.intoArray(out, to + 3 * w + L)
    a4.intoArray(out, to + 4 * w); c4.intoArray(out, to + 4 * w + L)
    a5.intoArray(out, to + 5 * w); c5.intoArray(out, to + 5 * w + L)
    a6.intoArray(out, to + 6 * w); c6.intoArray(out, to + 6 * w + L)
    a7.intoArray(out, to + 7 * w); c7.intoArray(out, to + 7 * w + L)
  }

  def anyAbove(numbers: Array[Float], at: Int, bar: Float): Boolean = {
    var any = false
    var i = at
    while (i < at + Arithmetic.PanelItems && !any) {
      any = FloatVector.fromArray(Species, numbers, i).compare(VectorOperators.GT, bar).anyTrue()
      i += L
    }
    any
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

  def backward(r: Array[Float], k: Int, b: Array[Float]): Unit = {
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
