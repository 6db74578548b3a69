package mllibpy.engine

import org.apache.spark.SparkContext
import org.apache.spark.broadcast.Broadcast

import java.lang.ref.WeakReference
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong

/** A value that all tasks read: a broadcast on a cluster; in local mode, where tasks run in the
  * driver's own JVM, the value itself, which nothing serialises or copies.
  */
abstract class Shared[T] extends Serializable {
  def value: T

  /** Frees the value everywhere; it cannot be read after. */
  def destroy(): Unit
}

object Shared {
  def apply[T <: AnyRef: scala.reflect.ClassTag](sc: SparkContext, value: T): Shared[T] = {
    if (sc.isLocal) inThisJvm(value)
    else {
      val id = next.getAndIncrement()
      val broadcast = sc.broadcast(value)
      here.put(id, Elsewhere)
      new Everywhere[T](id, broadcast)
    }
  }

  /** A value that no other JVM reads. */
  def inThisJvm[T <: AnyRef](value: T): Shared[T] = {
    val id = next.getAndIncrement()
    here.put(id, value)
    new Here[T](id)
  }

  /** How many values this driver has shared and not destroyed: after a fit, as many as before. */
  def held: Int = here.size

  private val next = new AtomicLong
  private val here = new ConcurrentHashMap[Long, AnyRef]

  // Stands for a broadcast in `here`, which must not keep Spark from cleaning up a forgotten one.
  private object Elsewhere

  private final class Here[T <: AnyRef](id: Long) extends Shared[T] {
    def value: T = {
      val found = Shared.here.get(id)
      if (found == null)
        throw new IllegalStateException("a shared value was read after it was destroyed")
      found.asInstanceOf[T]
    }
    def destroy(): Unit = { Shared.here.remove(id); () }
  }

  private final class Everywhere[T](id: Long, broadcast: Broadcast[T]) extends Shared[T] {
    def value: T = broadcast.value
    def destroy(): Unit = {
      broadcast.destroy()
      Shared.here.remove(id)
      ()
    }
  }
}

/** The same where nobody can say when the value is read for the last time, as a DataFrame's: it
  * goes when what gives it is forgotten.
  */
abstract class Lasting[T] extends Serializable {
  def value: T
}

object Lasting {
  def apply[T <: AnyRef: scala.reflect.ClassTag](sc: SparkContext, value: T): Lasting[T] =
    if (sc.isLocal) {
      here.values.removeIf(_.get == null)
      val id = next.getAndIncrement()
      here.put(id, new WeakReference(value))
      new Here[T](id, value)
    } else new Everywhere[T](sc.broadcast(value)) // Spark cleans up a forgotten one

  /** How many values this driver may still have to give. */
  def held: Int = here.values.stream.filter(_.get != null).count().toInt

  private val next = new AtomicLong
  private val here = new ConcurrentHashMap[Long, WeakReference[AnyRef]]

  /** On the driver it holds the value; in a task, a copy of it finds the value, which the driver's
    * holds as long as the job runs.
    */
  private final class Here[T <: AnyRef](id: Long, @transient private val own: T)
      extends Lasting[T] {
    def value: T = if (own != null) own else Lasting.here.get(id).get.asInstanceOf[T]
  }

  private final class Everywhere[T](broadcast: Broadcast[T]) extends Lasting[T] {
    def value: T = broadcast.value
  }
}
