"""Stands between modules and Python's functions while a spare loads modules, so that it notes what they
read. Audit hooks would see more, but cannot be removed, and would slow the server down for all its life."""

import sys

FUNCTION, CELL = type(lambda: 0), type((lambda value: lambda: value)(0).__closure__[0])


def without_trace(name):
    """A builtin module, which is in sys.modules afterwards only if it was there before."""
    is_known = name in sys.modules
    module = __import__(name)
    if not is_known:
        del sys.modules[name]
    return module


class Watched:
    # A function that calls `notice` first with the same arguments. It is no Python function, because that
    # would become a method in a class that keeps it (`class Files: stat = os.stat`). To the program it looks
    # like the original, so it has no docstring of its own, and no attributes that functools.wraps() copies.

    __slots__ = ("_function", "_notice", "_watch")
    __doc__ = property(lambda self: self._function.__doc__)
    __module__ = property(lambda self: self._function.__module__)
    __class__ = property(lambda self: type(self._function))

    def __init__(self, function, notice, watch):
        self._function, self._notice, self._watch = function, notice, watch

    def __call__(self, *args, **options):
        if self._notice is None:
            return self._function(*args, **options)
        self._notice(*args, **options)
        self._watch.depth += 1
        try:
            return self._function(*args, **options)
        finally:
            self._watch.depth -= 1

    def __getattr__(self, name):
        return getattr(self._function, name)

    def __repr__(self):
        return repr(self._function)

    def __eq__(self, other):
        return other is self or other == self._function

    def __hash__(self):
        return hash(self._function)

    def __deepcopy__(self, memo):
        return self._function

    def __reduce_ex__(self, protocol):
        return max, ((self._function,),)  # a function that returns it

    def release(self):
        """From now on it only calls the function."""
        self._notice = None


class Watch:
    """The functions that are replaced."""

    def __init__(self):
        self.places = []        # (owner, name, original)
        self.wrappers = {}      # original: its wrapper
        self.replacements = []  # the wrappers, and what exchange() was given
        self.depth = 0          # more than 0 while an original is called

    def replace(self, owner, name, notice):
        """`owner` is a module or a class; `notice` gets the arguments of each call."""
        function = getattr(owner, name)
        if function not in self.wrappers:
            self.wrappers[function] = Watched(function, notice, self)
        self.exchange(owner, name, self.wrappers[function])

    def exchange(self, owner, name, replacement):
        """Puts another function into this place."""
        self.places.append((owner, name, getattr(owner, name)))
        self.replacements.append(replacement)
        setattr(owner, name, replacement)

    def put_back(self):
        """Puts the originals back, also where a module has kept another function, as far as that can be found."""
        replacements, originals = self.replacements, {}
        for (owner, name, function), replacement in zip(self.places, replacements):
            setattr(owner, name, function)
            originals[id(replacement)] = function
        for wrapper in self.wrappers.values():
            wrapper.release()
        self.__init__()
        gc = without_trace("gc")
        for holder in gc.get_referrers(*replacements):
            if holder is not replacements:
                put_back_in(holder, originals, gc)


def put_back_in(holder, originals, gc):
    """Replaces the wrappers that this object refers to. `originals` has them under the ids of the wrappers."""
    kind = type(holder)
    if kind is dict:
        for name, value in list(holder.items()):
            if id(value) in originals:
                put_back_in_namespace(holder, name, value, originals[id(value)], gc)
    elif kind is list:
        holder[:] = [originals.get(id(value), value) for value in holder]
    elif kind is CELL:
        holder.cell_contents = originals[id(holder.cell_contents)]
    elif kind is tuple:
        for function in gc.get_referrers(holder):
            if type(function) is FUNCTION and function.__defaults__ is holder:
                function.__defaults__ = tuple(originals.get(id(value), value) for value in holder)
    else:  # an object whose attributes are not in a dictionary of their own yet
        try:
            attributes = object.__getattribute__(holder, "__dict__")
        except AttributeError:
            return
        if type(attributes) is dict:
            put_back_in(attributes, originals, gc)


def put_back_in_namespace(namespace, name, value, original, gc):
    """A class looks its attributes up in a cache, so they are set in the class itself."""
    for owner in gc.get_referrers(namespace):
        if issubclass(type(owner), type) and isinstance(name, str) and owner.__dict__.get(name) is value:
            type.__setattr__(owner, name, original)
            return
    namespace[name] = original
