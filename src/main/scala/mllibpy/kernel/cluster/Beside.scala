package mllibpy.kernel.cluster

import mllibpy.kernel.linear.Examples

import java.util.{Collections, WeakHashMap}

/** States beside the blocks of this JVM: a block that is gone takes its own with it. A pass takes
  * the state that the pass before has left; where another fit, another attempt at the same task or
  * another JVM had it, there is none, and rows are gone over in full. Blocks are never changed.
  */
private[cluster] abstract class Beside[S <: AnyRef] {
  private final class Kept(val fit: Long, val pass: Int, val state: S)
  private val beside = Collections.synchronizedMap(new WeakHashMap[Examples, Kept])

  /** The state of a fit after so many passes; null where it is not here. */
  def take(block: Examples, fit: Long, pass: Int): S = {
    val found = beside.get(block)
    if (found == null || found.fit != fit || found.pass != pass || !beside.remove(block, found))
      null.asInstanceOf[S]
    else found.state
  }

  def put(block: Examples, fit: Long, pass: Int, state: S): Unit = {
    beside.put(block, new Kept(fit, pass, state))
    ()
  }

  def forget(block: Examples, fit: Long): Unit = beside.synchronized {
    val found = beside.get(block)
    if (found != null && found.fit == fit) beside.remove(block)
    ()
  }

  def forget(fit: Long): Unit = beside.synchronized {
    beside.values.removeIf(_.fit == fit)
    ()
  }

  def held: Int = beside.size
}

/** All of them. */
object Beside {

  /** Drops what a fit has left in this JVM. */
  def forget(fit: Long): Unit = {
    RowStates.forget(fit)
    NearStates.forget(fit)
    KeyStates.forget(fit)
  }

  /** Drops what fits have left beside a block. */
  def forget(block: Examples, fits: Seq[Long]): Unit = for (fit <- fits) {
    RowStates.forget(block, fit)
    NearStates.forget(block, fit)
    KeyStates.forget(block, fit)
  }

  /** How many blocks have a state here. */
  def held: Int = RowStates.held + NearStates.held + KeyStates.held
}
