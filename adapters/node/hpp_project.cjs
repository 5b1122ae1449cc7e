// Which files belong to the project, and to which package the others; and what a descriptor is.
'use strict';

const fs = require('fs');
const path = require('path');

// The status of a descriptor. Without `bigint`, realpathSync() would no longer follow links if this is a socket,
// because it looks at the type that the newest such call has left behind (Node 20).
const descriptorStatus = (descriptor) => fs.fstatSync(descriptor, { bigint: true });

// Folders below a root whose files do not belong to the project.
const OUTSIDE = new Set(['node_modules', 'site-packages', 'dist-packages', 'gems', 'bundle']);

const projectOf = (roots) => {
  // hpp also watches where a symbolic link leads: in a working tree of git, node_modules may be one.
  const folders = roots.filter((root) => path.basename(root) !== 'node_modules')
    .map((root) => (root.endsWith('/') ? root : root + '/'));
  return (file) => folders.some((folder) =>
    file.startsWith(folder) && !file.slice(folder.length).split('/').some((part) => OUTSIDE.has(part)));
};

// The name of the package that contains the file, or its base name. Debian's packages are in /usr/share/nodejs.
const packageOf = (file) => {
  const after = file.split(/\/node_modules\/|^\/usr\/share\/nodejs\//).slice(1).pop();
  if (after) return after.split('/').slice(0, after.startsWith('@') ? 2 : 1).join('/');
  // Yarn and pnpm may be single files.
  return path.basename(file).split('.')[0];
};

module.exports = { descriptorStatus, packageOf, projectOf };
