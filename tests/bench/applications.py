"""Applications as people write them, for the tables of reload.py: with third-party packages, of which
most of their start consists. Each answers GET / with its process id in X-Start, and has a file of its
own code that is saved.

The packages of Express come from npm's registry, those of Django and Ruby are Debian's."""

import json
import shutil
import subprocess

from harness import free_port

# Debian's interpreter has Debian's packages (Django); another python3 may come first in PATH.
PYTHON = "/usr/bin/python3"


class Unavailable(Exception):
    """What the application needs is missing; the text says what."""


class Application:
    """A project folder, the command that starts it, and the file that is saved."""

    pattern = "**/*"
    file_name = ""  # relative to the folder

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.file = directory / self.file_name
        self.write()
        self.source = self.file.read_text()

    def save(self, text):
        """Saves the same program with another comment at its end."""
        comment = "//" if self.file.suffix in (".js", ".go") else "#"
        self.file.write_text(f"{self.source}{comment} {text}\n")

    def put(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


# ---- Django -------------------------------------------------------------------------------------

DJANGO_URLS = """\
import os

from django.http import HttpResponse
from django.urls import path


def index(request):
    response = HttpResponse("hello")
    response["X-Start"] = os.getpid()
    return response


urlpatterns = [path("", index)]
"""


class DjangoProject(Application):
    """A project as django-admin makes it, with one view."""

    pattern = "**/*.py"
    file_name = "mysite/urls.py"

    def write(self):
        if subprocess.run([PYTHON, "-c", "import django"], stderr=subprocess.DEVNULL).returncode:
            raise Unavailable(f"{PYTHON} has no Django")
        subprocess.run([PYTHON, "-m", "django", "startproject", "mysite", str(self.directory)], check=True)
        self.put("mysite/urls.py", DJANGO_URLS)
        self.autoreload_command = [PYTHON, "manage.py", "runserver", str(self.port)]
        self.command = [*self.autoreload_command[:-1], "--noreload", str(self.port)]


DJANGO_PACKAGES = ("rest_framework", "django_filters", "corsheaders", "django_extensions", "crispy_forms")

DJANGO_MODELS = """\
from django.contrib.auth import get_user_model
from django.db import models


class Category(models.Model):
    name = models.CharField(max_length=80, unique=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE)


class Item(models.Model):
    title = models.CharField(max_length=200)
    category = models.ForeignKey(Category, on_delete=models.PROTECT)
    owner = models.ForeignKey(get_user_model(), on_delete=models.CASCADE, related_name="{name}_items")
    price = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created"]


class Review(models.Model):
    item = models.ForeignKey(Item, on_delete=models.CASCADE)
    stars = models.PositiveSmallIntegerField()
    text = models.TextField(blank=True)
"""

DJANGO_VIEWS = """\
import os

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms
from django.http import HttpResponse
from django_filters.rest_framework import DjangoFilterBackend, FilterSet, NumberFilter
from rest_framework import permissions, serializers, viewsets

from .models import Category, Item, Review


def index(request):
    response = HttpResponse("{name}")
    response["X-Start"] = os.getpid()
    return response


class ItemForm(forms.ModelForm):
    helper = FormHelper()
    helper.layout = Layout("title", "category", "price", Submit("save", "Save"))

    class Meta:
        model = Item
        fields = ["title", "category", "price"]


class ItemFilter(FilterSet):
    at_least = NumberFilter(field_name="price", lookup_expr="gte")

    class Meta:
        model = Item
        fields = ["category", "owner"]


class CategorySerializer(serializers.ModelSerializer):
    class Meta:
        model = Category
        fields = "__all__"


class ItemSerializer(serializers.ModelSerializer):
    category = CategorySerializer(read_only=True)

    class Meta:
        model = Item
        fields = "__all__"


class ReviewSerializer(serializers.ModelSerializer):
    class Meta:
        model = Review
        fields = "__all__"


class ItemViewSet(viewsets.ModelViewSet):
    queryset = Item.objects.select_related("category")
    serializer_class = ItemSerializer
    filter_backends = [DjangoFilterBackend]
    filterset_class = ItemFilter
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]


class ReviewViewSet(viewsets.ModelViewSet):
    queryset = Review.objects.all()
    serializer_class = ReviewSerializer
"""

DJANGO_ADMIN = """\
from django.contrib import admin

from .models import Category, Item, Review

admin.site.register(Category)
admin.site.register(Review)


@admin.register(Item)
class ItemAdmin(admin.ModelAdmin):
    list_display = ["title", "category", "price"]
    list_filter = ["category"]
"""

DJANGO_APP_URLS = """\
from django.urls import include, path
from rest_framework.routers import DefaultRouter

from . import views

router = DefaultRouter()
router.register("items", views.ItemViewSet, basename="{name}-item")
router.register("reviews", views.ReviewViewSet, basename="{name}-review")
urlpatterns = [path("", views.index), path("api/", include(router.urls))]
"""


class LargeDjangoProject(DjangoProject):
    """Ten applications with models, forms, filters, an API and the admin, and five packages."""

    names = ("accounts", "billing", "blog", "catalog", "events", "orders", "polls", "search", "stock", "wiki")
    file_name = "catalog/views.py"

    def write(self):
        modules = "; ".join(f"import {name}" for name in DJANGO_PACKAGES)
        if subprocess.run([PYTHON, "-c", modules], stderr=subprocess.DEVNULL).returncode:
            raise Unavailable(f"{PYTHON} has not all of {', '.join(DJANGO_PACKAGES)}")
        super().write()
        settings = (self.directory / "mysite/settings.py").read_text()
        apps = "".join(f'    "{name}",\n' for name in (*DJANGO_PACKAGES, *self.names))
        settings = settings.replace("INSTALLED_APPS = [\n", "INSTALLED_APPS = [\n" + apps)
        settings = settings.replace("MIDDLEWARE = [\n", 'MIDDLEWARE = [\n    "corsheaders.middleware.CorsMiddleware",\n')
        self.put("mysite/settings.py", settings)
        self.put("mysite/urls.py", "\n".join([
            "from django.contrib import admin", "from django.urls import include, path", "urlpatterns = [",
            '    path("", include("catalog.urls")),', '    path("admin/", admin.site.urls),',
            *(f'    path("{name}/", include("{name}.urls")),' for name in self.names), "]", ""]))
        for name in self.names:
            self.put(f"{name}/__init__.py", "")
            for module, text in (("models", DJANGO_MODELS), ("views", DJANGO_VIEWS), ("admin", DJANGO_ADMIN),
                                 ("urls", DJANGO_APP_URLS)):
                self.put(f"{name}/{module}.py", text.replace("{name}", name))


class UvicornProject(LargeDjangoProject):
    """The same project, served by uvicorn."""

    def write(self):
        if subprocess.run([PYTHON, "-c", "import uvicorn"], stderr=subprocess.DEVNULL).returncode:
            raise Unavailable(f"{PYTHON} has no uvicorn")
        super().write()
        self.command = [PYTHON, "-m", "uvicorn", "mysite.asgi:application", "--port", str(self.port)]
        self.autoreload_command = [*self.command, "--reload"]


# ---- Express ------------------------------------------------------------------------------------

EXPRESS_PACKAGES = (
    "express", "helmet", "cors", "compression", "morgan", "cookie-parser", "express-session", "passport",
    "passport-local", "express-validator", "multer", "jsonwebtoken", "sequelize", "knex", "axios", "lodash",
    "joi", "winston", "dayjs", "uuid")

EXPRESS_MAIN = """\
const express = require('express');
const helmet = require('helmet');
const cors = require('cors');
const compression = require('compression');
const morgan = require('morgan');
const cookies = require('cookie-parser');
const session = require('express-session');
const passport = require('passport');
const log = require('./log');

const app = express();
app.use(helmet(), cors(), compression(), cookies(), express.json());
app.use(morgan('tiny', { stream: { write: (line) => log.debug(line) } }));
app.use(session({ secret: 'test', resave: false, saveUninitialized: false }));
app.use(passport.initialize());
for (const name of ['items', 'orders', 'users', 'files']) app.use(`/${name}`, require(`./routes/${name}`));
app.get('/', (request, response) => response.set('X-Start', String(process.pid)).send('hello'));
app.listen(Number(process.argv[2]), '127.0.0.1');
"""

EXPRESS_FILES = {
    "log.js": """\
const winston = require('winston');
module.exports = winston.createLogger({ level: 'info', transports: [new winston.transports.Console()] });
""",
    "database.js": """\
const { DataTypes, Model } = require('sequelize');
const knex = require('knex');
class Item extends Model {}
const query = knex({ client: 'pg' });
module.exports = { Item, columns: { title: DataTypes.STRING, price: DataTypes.DECIMAL }, query };
""",
    "routes/items.js": """\
const { Router } = require('express');
const { body, validationResult } = require('express-validator');
const _ = require('lodash');
const { query } = require('../database');
const router = Router();
router.get('/', (request, response) => response.json(_.chunk([1, 2, 3], 2)));
router.post('/', body('title').isLength({ min: 1 }), (request, response) => {
  const errors = validationResult(request);
  response.status(errors.isEmpty() ? 200 : 400).json({ sql: query('items').where({ id: 1 }).toString() });
});
module.exports = router;
""",
    "routes/orders.js": """\
const { Router } = require('express');
const Joi = require('joi');
const dayjs = require('dayjs');
const axios = require('axios');
const router = Router();
const order = Joi.object({ item: Joi.number().required(), count: Joi.number().min(1) });
const client = axios.create({ baseURL: 'http://127.0.0.1:1/' });
router.post('/', (request, response) => response.json({ at: dayjs().format(), problem: order.validate(request.body).error }));
router.get('/remote', async (request, response) => response.json((await client.get('/')).data));
module.exports = router;
""",
    "routes/users.js": """\
const { Router } = require('express');
const jwt = require('jsonwebtoken');
const passport = require('passport');
const { Strategy } = require('passport-local');
const uuid = require('uuid');
passport.use(new Strategy((name, password, done) => done(null, { id: uuid.v4(), name })));
const router = Router();
router.post('/', passport.authenticate('local', { session: false }),
  (request, response) => response.json({ token: jwt.sign(request.user, 'test') }));
module.exports = router;
""",
    "routes/files.js": """\
const { Router } = require('express');
const multer = require('multer');
const router = Router();
router.post('/', multer({ storage: multer.memoryStorage() }).single('file'),
  (request, response) => response.json({ size: request.file.size }));
module.exports = router;
""",
}


class ExpressProject(Application):
    """An application with twenty packages."""

    pattern = "**/*.js"
    file_name = "routes/orders.js"
    packages = None  # the folder in which npm has installed them

    @classmethod
    def install(cls, directory):
        """Installs the packages once for all projects."""
        if not shutil.which("node"):
            raise Unavailable("Node is not installed")
        cls.packages = install(directory, *EXPRESS_PACKAGES)

    def write(self):
        self.put("package.json", json.dumps({"name": "shop", "private": True, "scripts": {"start": "node app.js"}}))
        self.put("app.js", EXPRESS_MAIN)
        for name, text in EXPRESS_FILES.items():
            self.put(name, text)
        shutil.copytree(self.packages, self.directory / "node_modules", symlinks=True)
        self.command = ["node", "app.js", str(self.port)]


def install(directory, *packages):
    """Has npm install packages into the new directory. Returns the path of node_modules."""
    directory.mkdir()
    if not shutil.which("npm"):
        raise Unavailable("npm is not installed")
    command = ["npm", "install", "--fetch-retries", "0", "--no-audit", "--no-fund", "--prefix", str(directory),
               *packages]
    try:
        subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=240)
    except (OSError, subprocess.SubprocessError):
        raise Unavailable("npm cannot install its packages") from None
    return directory / "node_modules"


# ---- Ruby ---------------------------------------------------------------------------------------


class SinatraProject(Application):
    """An application of two files, served by Puma."""

    pattern = "**/*.rb"
    file_name = "shop.rb"

    def write(self):
        if not all(map(shutil.which, ("ruby", "bundle", "puma"))):
            raise Unavailable("Bundler or Puma is not installed")
        self.put("Gemfile", "source 'https://rubygems.org'\ngem 'sinatra'\ngem 'puma'\n")
        if subprocess.run(["bundle", "install", "--local"], cwd=self.directory, capture_output=True).returncode:
            raise Unavailable("Sinatra is not installed")
        self.put("config.ru", "require_relative 'shop'\nrun Shop\n")
        self.put(self.file_name, "require 'sinatra/base'\n\nclass Shop < Sinatra::Base\n  get '/' do\n"
                 "    headers 'X-Start' => Process.pid.to_s\n    'hello'\n  end\nend\n")
        self.command = ["bundle", "exec", "puma", "--bind", f"tcp://127.0.0.1:{self.port}"]


# ---- Go -----------------------------------------------------------------------------------------

GO_MAIN = """\
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("X-Start", fmt.Sprint(os.Getpid()))
		fmt.Fprint(out, "hello")
	})
	http.ListenAndServe("127.0.0.1:"+os.Args[1], nil)
}
"""


class GoProject(Application):
    """A server in Go, without the time of the compiler: a file that it does not read is saved."""

    pattern = "**/*.go"
    file_name = "main.go"

    def write(self):
        if not shutil.which("go"):
            raise Unavailable("Go is not installed")
        self.put("main.go", GO_MAIN)
        program = self.directory / "server"
        subprocess.run(["go", "build", "-o", str(program), "main.go"], cwd=self.directory, check=True)
        self.command = [str(program), str(self.port)]
